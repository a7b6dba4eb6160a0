/* A line on a map, by taps, while `trace.name` is "draw". A change of `data` is told to Python; what follows the pointer
   is changed in place. `seen.mine` is the line that is being drawn: none after a double tap, nor where Python has shown
   another meanwhile; the next tap begins one. */
const {event_name, x, y} = cb_obj;
const kind = event_name === "pressup" ? "tap" : event_name;  // a slow tap is one too
const reach = 10 * Math.abs(figure.x_range.end - figure.x_range.start) / figure.inner_width;
const going = () => trace.name === "draw" && seen.mine != null && seen.mine === trace.data;
const put = (xs, ys) => {
  trace.data = {x: xs, y: ys, size: xs.map((_, i) => i ? 7 : 12)};
  seen.mine = xs.length ? trace.data : null;
};
const rubber = () => {
  const {x: xs, y: ys} = trace.data, last = xs.length - 1;
  Object.assign(follow.data, going() && x != null ? {x: [xs[last], x], y: [ys[last], y]} : {x: [], y: []});
  follow.change.emit();
};
if (!seen.keys) {
  seen.keys = true;
  document.addEventListener("keydown", (event) => {
    const field = event.composedPath()[0];
    if (!going() || field?.matches?.("input, select, textarea")) return;
    if (!["Escape", "Backspace", "Delete"].includes(event.key)) return;
    const rest = event.key === "Escape" ? 0 : trace.data.x.length - 1;
    put([...trace.data.x].slice(0, rest), [...trace.data.y].slice(0, rest));
    Object.assign(follow.data, {x: [], y: []});
    follow.change.emit();
  });
}
if (trace.name !== "draw") return;
const [xs, ys] = going() ? [[...trace.data.x], [...trace.data.y]] : [[], []];
const last = xs.length - 1;
const again = last >= 0 && Math.hypot(xs[last] - x, ys[last] - y) <= reach;
if (kind === "doubletap" && again) {
  if (last < 1) put([], []);
  seen.mine = null;
} else if (kind !== "mousemove" && !again) put([...xs, x], [...ys, y]);  // a quick second tap elsewhere is a corner too
rubber();
