// Draws one module from the side: levels, columns, pallets, cars, gate. Millimetres are the drawing's units.

const SVG = "http://www.w3.org/2000/svg";
const MARGIN_LEFT_MM = 500;
const MARGIN_MM = 250;
const GATE_MM = 420;
const PALLET_HEIGHT_MM = 1500;

/** An SVG element with attributes. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** The drawing of one module; `update(module)` moves what has moved. */
export class Mimic {
  constructor(module, label) {
    this.pallets = new Map();
    this.top_mm = module.level_z_mm.at(-1) + module.level_height_mm.at(-1);
    const width_mm = module.columns * module.pitch_mm;
    const box = [-MARGIN_LEFT_MM, 0, width_mm + MARGIN_LEFT_MM + MARGIN_MM, this.top_mm + GATE_MM + 80];
    this.svg = element("svg", { viewBox: box.join(" "), role: "img", "aria-label": label });
    this.drawFrame(module, width_mm);
    for (const pallet of module.pallets) {
      this.drawPallet(pallet);
    }
    this.drawGate(width_mm);
    this.update(module);
  }

  drawFrame(module, width_mm) {
    for (const [index, z_mm] of module.level_z_mm.entries()) {
      const y_mm = this.top_mm - z_mm;
      this.svg.append(element("line", { class: index ? "frame" : "floor", x1: 0, x2: width_mm, y1: y_mm, y2: y_mm }));
      const name = element("text", { class: "level-name", x: -130, y: y_mm - 500 });
      name.textContent = String(index + 1);
      this.svg.append(name);
    }
    for (let column = 0; column <= module.columns; column += 1) {
      const x_mm = column * module.pitch_mm - (module.pitch_mm - module.pallet_width_mm) / 2;
      this.svg.append(element("line", { class: "frame", x1: x_mm, x2: x_mm, y1: 60, y2: this.top_mm }));
    }
  }

  drawPallet(pallet) {
    const car = element("g", { class: "car" }, element("use", { href: "#car-shape" }));
    const title = element("title");
    title.textContent = pallet.bay;
    const group = element("g", { class: "bay", "data-bay": pallet.bay }, title, element("use", { href: "#pallet-shape" }), car);
    const holder = { group, seen: null };
    this.pallets.set(pallet.bay, holder);
    this.svg.append(group);
  }

  drawGate(width_mm) {
    const y_mm = this.top_mm + 200;
    this.gate = element("g", { class: "gate" });
    this.gate.append(
      element("line", { class: "gate-track", x1: 0, x2: width_mm, y1: y_mm + 90, y2: y_mm + 90 }),
      element("rect", { class: "gate-leaf leaf-left", x: 0, y: y_mm, width: width_mm / 2 - 20, height: 180 }),
      element("rect", { class: "gate-leaf leaf-right", x: width_mm / 2 + 20, y: y_mm, width: width_mm / 2 - 20, height: 180 }),
    );
    this.svg.append(this.gate);
  }

  update(module) {
    if (this.module === module) {
      return;
    }
    this.module = module;
    this.gate.setAttribute("class", `gate gate-${module.gate}`);
    for (const pallet of module.pallets) {
      const holder = this.pallets.get(pallet.bay);
      if (!holder || holder.seen === pallet) {
        continue;
      }
      holder.seen = pallet;
      const y_mm = this.top_mm - pallet.z_mm - PALLET_HEIGHT_MM;
      holder.group.style.transform = `translate(${pallet.x_mm}px, ${y_mm}px)`;
      const classes = ["bay", pallet.place];
      if (pallet.loaded) classes.push("loaded");
      if (pallet.moving) classes.push("moving");
      holder.group.setAttribute("class", classes.join(" "));
    }
  }
}
