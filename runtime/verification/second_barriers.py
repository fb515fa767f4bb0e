"""Guards whose deletion alone breaks nothing: which other guard makes up for each."""

SECOND_BARRIERS: dict[tuple[str, str], str] = {}
