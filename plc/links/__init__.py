"""Links to the plant: one per device, over Modbus TCP or straight into a device of this process.

A link keeps the latest image of its device and lets it age when the wire or the device is silent;
it decides nothing about the garage. How often it is asked is up to `runtime`.
"""
