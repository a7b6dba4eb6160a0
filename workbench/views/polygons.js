/* Polygons on a map, by taps: `outline.name` is the mode, `outline.tags` the class of the next polygon. A change of
   `data` is told to Python; what follows the pointer is changed in place and told at its end. */
const mode = outline.name;
const {event_name, x, y} = cb_obj;
const kind = event_name === "pressup" ? "tap" : event_name;  // a slow tap is one too
const reach = 10 * Math.abs(figure.x_range.end - figure.x_range.start) / figure.inner_width;
const near = (px, py) => Math.hypot(px - x, py - y) <= reach;
const copy = (data) => Object.fromEntries(Object.entries(data).map(([name, column]) => [name, [...column]]));
const points = () => [outline.data.xs[0] ?? [], outline.data.ys[0] ?? []];
const trace = (xs, ys) => { outline.data = xs.length ? {xs: [xs], ys: [ys]} : {xs: [], ys: []}; };
const rubber = (px, py) => {
  const [xs, ys] = points(), last = xs.length - 1;
  Object.assign(follow.data, last < 0 ? {x: [], y: []} : {x: [xs[last], px, xs[0]], y: [ys[last], py, ys[0]]});
  follow.change.emit();
};
const finish = () => {
  const [xs, ys] = points();
  trace([], []);
  rubber();
  if (new Set(xs.map((value, i) => `${value} ${ys[i]}`)).size < 3) return;
  const data = copy(shapes.data), [value, color] = outline.tags;
  for (const [name, given] of Object.entries({xs: [...xs], ys: [...ys], value, color, key: 0})) data[name].push(given);
  shapes.data = data;
};
const select = (place) => {
  shapes.selected.indices = place == null ? [] : [place];
  const out = {x: [], y: [], size: [], place: [], corner: []};
  const xs = shapes.data.xs[place] ?? [], ys = shapes.data.ys[place] ?? [];
  for (let i = 0; i < xs.length; i++) {
    const j = (i + 1) % xs.length;
    for (const [px, py, size, corner] of [[xs[i], ys[i], 11, i], [(xs[i] + xs[j]) / 2, (ys[i] + ys[j]) / 2, 6, i + .5]]) {
      out.x.push(px); out.y.push(py); out.size.push(size); out.place.push(place); out.corner.push(corner);
    }
  }
  Object.assign(handles.data, out);
  handles.change.emit();
};
const inside = (xs, ys) => {
  let found = false;
  for (let i = 0, j = xs.length - 1; i < xs.length; j = i++)
    if (ys[i] > y !== ys[j] > y && x < (xs[j] - xs[i]) * (y - ys[i]) / (ys[j] - ys[i]) + xs[i]) found = !found;
  return found;
};
const handle = () => {
  const {x: xs, y: ys, corner} = handles.data;
  const close = [...xs.keys()].filter((i) => near(xs[i], ys[i]));
  return close.find((i) => Number.isInteger(corner[i])) ?? close[0];
};
if (!seen.keys) {
  seen.keys = true;
  document.addEventListener("keydown", (event) => {
    const field = event.composedPath()[0];
    if (field?.matches?.("input, select, textarea") || !["Escape", "Backspace", "Delete"].includes(event.key)) return;
    if (outline.name === "draw") {
      const [xs, ys] = points(), rest = event.key === "Escape" ? 0 : xs.length - 1;
      trace(xs.slice(0, Math.max(rest, 0)), ys.slice(0, Math.max(rest, 0)));
      rubber();
    } else if (outline.name === "edit" && event.key !== "Escape" && shapes.selected.indices.length) {
      const [place] = shapes.selected.indices, data = copy(shapes.data);
      for (const column of Object.values(data)) column.splice(place, 1);
      select(null);
      shapes.data = data;
    } else select(null);
  });
}
if (kind === "reset-polygons" || mode === "look") {
  if (handles.data.x.length) select(null);
} else if (mode === "draw") {
  const [xs, ys] = points();
  if (kind === "tap") {
    if (xs.length >= 3 && near(xs[0], ys[0])) finish();
    else { trace([...xs, x], [...ys, y]); rubber(x, y); }
  } else if (kind === "doubletap") finish();
  else if (kind === "mousemove" && xs.length) rubber(x, y);
} else if (mode === "edit") {
  const {xs, ys} = shapes.data, found = handle();
  if (kind === "mousemove" && pan != null && seen.drag == null) pan.active = found == null;
  else if (kind === "tap" && found == null) {
    const hit = [...xs.keys()].reverse().find((i) => inside(xs[i], ys[i]));
    select(hit ?? null);
  } else if (kind === "doubletap" && found != null) {
    const place = handles.data.place[found], corner = handles.data.corner[found];
    if (Number.isInteger(corner) && xs[place].length > 3) {
      const data = copy(shapes.data);
      for (const name of ["xs", "ys"]) data[name][place] = data[name][place].filter((_, i) => i !== corner);
      shapes.data = data;
      select(place);
    }
  } else if (kind === "panstart" && found != null) {
    const place = handles.data.place[found];
    let corner = handles.data.corner[found];
    seen.before = [shapes.data.xs[place], shapes.data.ys[place]];
    for (const name of ["xs", "ys"]) shapes.data[name][place] = [...shapes.data[name][place]];
    if (!Number.isInteger(corner)) {
      corner = Math.ceil(corner);
      shapes.data.xs[place].splice(corner, 0, x);
      shapes.data.ys[place].splice(corner, 0, y);
    }
    seen.drag = [place, corner];
  } else if (kind === "pan" && seen.drag != null) {
    const [place, corner] = seen.drag;
    shapes.data.xs[place][corner] = x;
    shapes.data.ys[place][corner] = y;
    shapes.change.emit();
    select(place);
  } else if (kind === "panend" && seen.drag != null) {
    const [place] = seen.drag;
    seen.drag = null;
    const data = copy(shapes.data);
    [shapes.data.xs[place], shapes.data.ys[place]] = seen.before;  // or nothing would seem to have changed
    shapes.data = data;
    select(place);
  }
}
