// A canvas on raw pixels. Row 0 is at the bottom. Python owns image, planes, scale and marks;
// the view belongs to both: a hand that turns the wheel tells Python.

const STRETCHES = {
  linear: (x) => x,
  sqrt: Math.sqrt,
  asinh: (x) => Math.asinh(10 * x) / Math.asinh(10),
  log: (x) => Math.log1p(1000 * x) / Math.log1p(1000),
};
const NOTHING = [196, 92, 60];
const LEVELS = 4096;

function bytesOf(view) {
  // Bytes arrive as a DataView that may start anywhere in its buffer, typed arrays want even places.
  return view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
}

function grayTable({ stretch, low, high }, count, valueOf) {
  const table = new Uint8Array(count);
  const bend = STRETCHES[stretch];
  for (let i = 0; i < count; i += 1) {
    const x = Math.min(1, Math.max(0, (valueOf(i) - low) / (high - low)));
    table[i] = Math.round(255 * bend(x));
  }
  return table;
}

function parts(color) {
  return [1, 3, 5].map((start) => parseInt(color.slice(start, start + 2), 16));
}

// Draw all cells once, at one pixel each; the canvas on the screen scales that picture.
export function paint(image, pixels, bits, scale, styles, out) {
  const { rows, columns } = image;
  const whole = image.type === "uint16";
  const span = scale.high - scale.low;
  const table = whole
    ? grayTable(scale, 65536, (value) => value)
    : grayTable(scale, LEVELS + 1, (index) => scale.low + (index / LEVELS) * span);
  const planes = image.planes.map((name) => [...parts(styles[name].color), styles[name].opacity]);
  for (let y = 0; y < rows; y += 1) {
    let to = 4 * columns * (rows - 1 - y);
    for (let i = y * columns; i < (y + 1) * columns; i += 1, to += 4) {
      const value = pixels[i];
      let red, green, blue;
      if (Number.isFinite(value)) {
        const index = whole ? value : Math.round(LEVELS * Math.min(1, Math.max(0, (value - scale.low) / span)));
        red = green = blue = table[index];
      } else {
        [red, green, blue] = NOTHING;
      }
      const set = bits ? bits[i] : 0;
      for (let plane = planes.length - 1; set && plane >= 0; plane -= 1) {
        if (set & (1 << plane)) {
          const [r, g, b, opacity] = planes[plane];
          red += opacity * (r - red);
          green += opacity * (g - green);
          blue += opacity * (b - blue);
          break; // where several are set, the last one is seen
        }
      }
      out[to] = red;
      out[to + 1] = green;
      out[to + 2] = blue;
      out[to + 3] = 255;
    }
  }
}

class Viewer {
  constructor(model, element) {
    this.model = model;
    this.box = document.createElement("div");
    this.box.className = "fullwell-display";
    this.box.innerHTML =
      '<div class="fullwell-bar"><span class="fullwell-title"></span><span class="fullwell-values"></span></div>' +
      '<canvas tabindex="0" role="img"></canvas><div class="fullwell-bar fullwell-legend"></div>';
    this.canvas = this.box.querySelector("canvas");
    this.canvas.dataset.testid = "display-canvas";
    this.values = this.box.querySelector(".fullwell-values");
    this.values.dataset.testid = "display-values";
    element.append(this.box);
    this.picture = document.createElement("canvas");
    this.frame = 0;
    this.sizes = new ResizeObserver(() => this.later(false));
    this.sizes.observe(this.box);
    this.listen();
    this.later(true);
  }

  listen() {
    const repaint = () => this.later(true);
    const redraw = () => this.later(false);
    this.changes = [
      ...["image", "pixels", "bits", "scale", "styles"].map((name) => [`change:${name}`, repaint]),
      ...["marks", "view"].map((name) => [`change:${name}`, redraw]),
    ];
    for (const [name, react] of this.changes) this.model.on(name, react);
    this.canvas.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    this.canvas.addEventListener("pointerdown", (event) => this.onDown(event));
    this.canvas.addEventListener("pointermove", (event) => this.onMove(event));
    this.canvas.addEventListener("pointerup", () => { this.held = null; this.tell(); });
    this.canvas.addEventListener("dblclick", () => this.look({ zoom: null, center: null }));
    this.canvas.addEventListener("keydown", (event) => this.onKey(event));
  }

  stop() {
    for (const [name, react] of this.changes) this.model.off(name, react);
    this.sizes.disconnect();
    cancelAnimationFrame(this.frame);
  }

  // Many traits change in one message; all of them are drawn once.
  later(repaint) {
    this.stale = this.stale || repaint;
    if (!this.frame) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.draw();
      });
    }
  }

  get image() {
    return this.model.get("image");
  }

  refresh() {
    const { image } = this;
    const buffer = bytesOf(this.model.get("pixels"));
    this.pixels = image.type === "uint16" ? new Uint16Array(buffer) : new Float32Array(buffer);
    const bits = this.model.get("bits");
    this.bits = bits && bits.byteLength ? new Uint16Array(bytesOf(bits)) : null;
    this.picture.width = image.columns;
    this.picture.height = image.rows;
    const context = this.picture.getContext("2d");
    const out = context.createImageData(image.columns, image.rows);
    paint(image, this.pixels, this.bits, this.model.get("scale"), this.model.get("styles"), out.data);
    context.putImageData(out, 0, 0);
    this.stale = false;
    this.label();
  }

  label() {
    const { image } = this;
    this.box.querySelector(".fullwell-title").textContent = image.title;
    const scale = this.model.get("scale");
    const words = `${scale.stretch}, ${short(scale.low)} to ${short(scale.high)} ${image.unit}`.trim();
    const legend = this.box.querySelector(".fullwell-legend");
    legend.replaceChildren(document.createTextNode(words));
    for (const name of image.planes) {
      const key = document.createElement("span");
      const patch = document.createElement("span");
      patch.className = "fullwell-key";
      patch.style.background = this.model.get("styles")[name].color;
      key.append(patch, name);
      legend.append(key);
    }
    const size = `${image.frame_columns} columns, ${image.frame_rows} rows`;
    this.canvas.setAttribute("aria-label", `${image.title || "image"}, ${size}; ${words}`);
  }

  // Pixels of the canvas for one of the frame, and the place in the middle.
  geometry() {
    const { image, canvas } = this;
    const view = this.model.get("view");
    const fit = Math.min(canvas.width / image.frame_columns, canvas.height / image.frame_rows);
    const [x, y] = view.center || [(image.frame_columns - 1) / 2, (image.frame_rows - 1) / 2];
    return { zoom: view.zoom || fit, x, y };
  }

  toCanvas(x, y) {
    const view = this.geometry();
    return [this.canvas.width / 2 + (x - view.x) * view.zoom, this.canvas.height / 2 - (y - view.y) * view.zoom];
  }

  toFrame(event) {
    const rectangle = this.canvas.getBoundingClientRect();
    const view = this.geometry();
    const factor = this.canvas.width / rectangle.width;
    return [
      view.x + ((event.clientX - rectangle.left) * factor - this.canvas.width / 2) / view.zoom,
      view.y - ((event.clientY - rectangle.top) * factor - this.canvas.height / 2) / view.zoom,
    ];
  }

  draw() {
    const { image, canvas } = this;
    if (!image || !image.rows || !this.model.get("scale").stretch) return;
    if (this.stale) this.refresh();
    const width = Math.max(100, Math.round(this.box.clientWidth || 700));
    const ratio = Math.min(1.2, Math.max(0.2, image.frame_rows / image.frame_columns));
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== Math.round(width * ratio)) canvas.height = Math.round(width * ratio);
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    const { zoom } = this.geometry();
    const [left, top] = this.toCanvas(-0.5, image.rows * image.step - 0.5);
    context.imageSmoothingEnabled = zoom * image.step < 1;
    context.imageSmoothingQuality = "high";
    const side = zoom * image.step;
    context.drawImage(this.picture, left, top, image.columns * side, image.rows * side);
    for (const mark of this.model.get("marks")) this.drawMark(context, mark, zoom);
    this.box.dataset.drawn = String(Number(this.box.dataset.drawn || 0) + 1);
  }

  drawMark(context, mark, zoom) {
    context.strokeStyle = context.fillStyle = mark.color;
    context.lineWidth = 1.5;
    context.beginPath();
    let end;
    if (mark.kind === "line") {
      mark.points.forEach(([x, y], index) => context[index ? "lineTo" : "moveTo"](...this.toCanvas(x, y)));
    } else if (mark.kind === "box") {
      const [left, bottom] = this.toCanvas(mark.x0 - 0.5, mark.y0 - 0.5);
      context.rect(left, bottom, (mark.x1 - mark.x0) * zoom, -(mark.y1 - mark.y0) * zoom);
      end = this.toCanvas(mark.x1 - 0.5, mark.y1 - 0.5);
    } else {
      const [x, y] = this.toCanvas(mark.x, mark.y);
      const r = mark.size * zoom;
      const stroke = (a, b, c, d) => { context.moveTo(x + a, y + b); context.lineTo(x + c, y + d); };
      if (mark.symbol === "o") context.arc(x, y, r, 0, 2 * Math.PI);
      else if (mark.symbol === "s") context.rect(x - r, y - r, 2 * r, 2 * r);
      else if (mark.symbol === "+") { stroke(-r, 0, r, 0); stroke(0, -r, 0, r); }
      else if (mark.symbol === "x") { const d = 0.7 * r; stroke(-d, -d, d, d); stroke(-d, d, d, -d); }
      else { context.moveTo(x + r, y); [[x, y + r], [x - r, y], [x, y - r]].forEach((p) => context.lineTo(...p)); context.closePath(); }
      end = [x + r, y - r];
    }
    context.stroke();
    if (mark.label) context.fillText(mark.label, end[0] + 2, end[1]);
  }

  look(view) {
    this.model.set("view", view);
    this.tell();
    this.later(false);
  }

  tell() {
    this.model.save_changes();
  }

  onWheel(event) {
    event.preventDefault();
    if (!this.image.rows) return;
    const [x, y] = this.toFrame(event);
    const view = this.geometry();
    const zoom = Math.min(100, Math.max(0.01, view.zoom * Math.exp(-event.deltaY * 0.0015)));
    const kept = view.zoom / zoom; // what is under the pointer stays there
    this.look({ zoom, center: [x + (view.x - x) * kept, y + (view.y - y) * kept] });
  }

  onDown(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.held = this.toFrame(event);
  }

  onMove(event) {
    if (!this.image.rows) return;
    let [x, y] = this.toFrame(event);
    if (this.held) {
      const view = this.geometry();
      const center = [view.x + this.held[0] - x, view.y + this.held[1] - y];
      this.model.set("view", { zoom: view.zoom, center });
      this.later(false);
      [x, y] = this.held;
    }
    this.readOut(Math.round(x), Math.round(y));
  }

  onKey(event) {
    const view = this.geometry();
    const step = 40 / view.zoom;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    if (event.key in moves) {
      const [dx, dy] = moves[event.key];
      this.look({ zoom: view.zoom, center: [view.x + dx, view.y + dy] });
    } else if (event.key === "+" || event.key === "-") {
      this.look({ zoom: view.zoom * (event.key === "+" ? 1.5 : 1 / 1.5), center: [view.x, view.y] });
    } else if (event.key === "f") {
      this.look({ zoom: null, center: null });
    } else return;
    event.preventDefault();
  }

  readOut(x, y) {
    const { image } = this;
    if (x < 0 || y < 0 || x >= image.frame_columns || y >= image.frame_rows) {
      this.values.textContent = "";
      return;
    }
    const index = Math.floor(y / image.step) * image.columns + Math.floor(x / image.step);
    const value = this.pixels[index];
    const names = image.planes.filter((_, plane) => this.bits && this.bits[index] & (1 << plane));
    const each = image.step > 1 ? ` (${image.pool} of ${image.step} × ${image.step})` : "";
    const shown = image.type === "uint16" ? String(value) : short(value);
    this.values.textContent = `(${x}, ${y}) = ${shown} ${image.unit}${each} ${names.join(" ")}`.trim();
  }
}

function short(value) {
  return Number.isFinite(value) ? String(Number(value.toPrecision(7))) : String(value);
}

function render({ model, el }) {
  const viewer = new Viewer(model, el);
  return () => viewer.stop();
}

export default { render };
