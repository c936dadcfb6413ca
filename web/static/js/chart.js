// The charts of one objective: the only code that knows uPlot. The data is in
// the page, and is asked for again when the server says that something was
// judged. Dragging opens the page of that stretch, so that every view has an
// address and the finest grid that is kept.
"use strict";
(() => {
  const panel = document.getElementById("charts");
  const block = document.getElementById("chart-data");
  if (!panel || !block || typeof uPlot === "undefined") {
    return;
  }
  const refreshEvery = 5000;
  const reading = document.getElementById("chart-reading");
  let data = JSON.parse(block.textContent);
  let colours = palette();
  const charts = [];

  // palette resolves the tokens: a canvas knows no CSS variables.
  function palette() {
    const probe = document.createElement("span");
    probe.hidden = true;
    panel.append(probe);
    const resolve = (name) => {
      probe.style.color = `var(${name})`;
      return getComputedStyle(probe).color;
    };
    const names = ["good", "bad", "unknown", "line", "budget", "long", "short", "threshold", "grid", "axis", "gap"];
    const found = Object.fromEntries(names.map((name) => [name, resolve(`--chart-${name}`)]));
    for (const name of ["exhausted", "burning", "surface", "text", "muted"]) {
      found[name] = resolve(`--color-${name}`);
    }
    probe.remove();
    return found;
  }

  // fade is a colour of the palette, "rgb(1, 2, 3)", made transparent.
  function fade(colour, alpha) {
    const parts = colour.match(/[\d.]+/g);
    return parts ? `rgb(${parts[0]} ${parts[1]} ${parts[2]} / ${alpha})` : colour;
  }

  // The end of a step never lies after what is known.
  const ends = () => data.start.map((at) => Math.min(at + data.step_seconds, Math.max(data.to, at + 1)));
  const middles = () => data.start.map((at) => at + data.step_seconds / 2);
  // Counts may be in 1e-9 of what they count.
  const whole = (n) => n / (data.unit && data.unit.startsWith("1e-9") ? 1e9 : 1);
  const totals = () => data.good.map((good, i) => whole(good + data.bad[i] + data.unknown[i]));
  const share = (i) => {
    const n = data.good[i] + data.bad[i] + data.unknown[i];
    return n > 0 ? data.good[i] / n : null;
  };

  const percent = (v, digits) => v == null ? "–" : `${(v * 100).toFixed(digits)} %`;
  const times = (v) => v == null ? "–" : `${v >= 100 ? v.toFixed(0) : v.toFixed(2)}×`;
  const integer = (v) => v == null ? "–" : v.toLocaleString("en").replaceAll(",", "\u202f");

  function clock(seconds) {
    return `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  }

  // --- What is drawn behind the lines -------------------------------------

  function hatch(context, colour) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 8;
    const pen = tile.getContext("2d");
    pen.strokeStyle = colour;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(-2, 10);
    pen.lineTo(10, -2);
    pen.moveTo(-2, 2);
    pen.lineTo(2, -2);
    pen.moveTo(6, 10);
    pen.lineTo(10, 6);
    pen.stroke();
    return context.createPattern(tile, "repeat");
  }

  function band(u, from, to) {
    const left = Math.max(u.valToPos(from, "x", true), u.bbox.left);
    const right = Math.min(u.valToPos(to, "x", true), u.bbox.left + u.bbox.width);
    return [left, Math.max(right - left, 0)];
  }

  function drawUnmeasured(u, labelled) {
    drawStretches(u, data.excluded, "excluded", 0.5, labelled);
    drawStretches(u, data.unmeasured, "not measured", 1, labelled);
  }

  function drawStretches(u, stretches, words, strength, labelled) {
    const { ctx } = u;
    const ratio = devicePixelRatio;
    ctx.save();
    const pattern = hatch(ctx, colours.gap);
    for (const [from, to] of stretches) {
      const [left, width] = band(u, from, to);
      ctx.fillStyle = pattern;
      ctx.globalAlpha = strength;
      ctx.fillRect(left, u.bbox.top, width, u.bbox.height);
      ctx.globalAlpha = 1;
      if (labelled && width > 110 * ratio) {
        ctx.font = `${11 * ratio}px system-ui, sans-serif`;
        ctx.textAlign = "left";
        const wide = ctx.measureText(words).width + 12 * ratio;
        const x = left + 8 * ratio;
        const y = u.bbox.top + u.bbox.height - 24 * ratio;
        ctx.fillStyle = colours.surface;
        ctx.fillRect(x, y, wide, 17 * ratio);
        ctx.fillStyle = colours.muted;
        ctx.fillText(words, x + 6 * ratio, y + 12.5 * ratio);
      }
    }
    ctx.restore();
  }

  // Pages reach from top to bottom, tickets only along the foot, so that they
  // differ without colour.
  function drawEpisodes(u, labelled) {
    const { ctx } = u;
    const ratio = devicePixelRatio;
    ctx.save();
    let labelEnd = -Infinity;
    for (const episode of [...data.episodes].sort((a, b) => a.from - b.from)) {
      const [left, width] = band(u, episode.from, episode.to ?? data.to);
      const page = episode.severity === "page";
      const colour = page ? colours.exhausted : colours.burning;
      const height = page ? u.bbox.height : 10 * ratio;
      const top = u.bbox.top + u.bbox.height - height;
      ctx.fillStyle = fade(colour, page ? 0.1 : 0.35);
      ctx.fillRect(left, top, Math.max(width, 2 * ratio), height);
      ctx.fillStyle = colour;
      ctx.fillRect(left, top, 1.5 * ratio, height);
      const room = u.bbox.left + u.bbox.width - left;
      if (labelled && page && left > labelEnd && room > 30 * ratio) {
        ctx.font = `600 ${11 * ratio}px system-ui, sans-serif`;
        ctx.textAlign = "left";
        const text = `${episode.tier}`;
        ctx.fillText(text, left + 5 * ratio, u.bbox.top + 13 * ratio);
        labelEnd = left + 5 * ratio + ctx.measureText(text).width + 6 * ratio;
      }
    }
    ctx.restore();
  }

  // mark is an upright line where the budget was begun anew. It belongs to the
  // page and not to the canvas, so that the style sheet knows its colours. Burn
  // rates have none: look-backs do not begin anew.
  function mark(u, labelled) {
    const at = data.reset_at;
    let line = u.over.querySelector(".chart-mark");
    if (at == null || at < data.from || at > data.to) {
      line?.remove();
      return;
    }
    if (!line) {
      line = document.createElement("div");
      line.className = "chart-mark";
      line.textContent = labelled ? "budget reset" : "";
      u.over.append(line);
    }
    const left = u.valToPos(at, "x");
    line.style.left = `${left}px`;
    line.classList.toggle("chart-mark-late", left > u.over.clientWidth / 2);
  }

  // note says in the middle of a chart why there is no line.
  function note(u, words) {
    const { ctx } = u;
    ctx.save();
    ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    ctx.fillStyle = colours.muted;
    ctx.fillText(words, u.bbox.left + u.bbox.width / 2, u.bbox.top + u.bbox.height / 2);
    ctx.restore();
  }

  // rule is a horizontal line with its name.
  function rule(u, value, colour, text, dashed) {
    const { ctx } = u;
    const ratio = devicePixelRatio;
    const y = u.valToPos(value, "y", true);
    if (y < u.bbox.top || y > u.bbox.top + u.bbox.height) {
      return;
    }
    ctx.save();
    ctx.strokeStyle = colour;
    ctx.fillStyle = colour;
    ctx.lineWidth = 1.25 * ratio;
    ctx.setLineDash(dashed ? [6 * ratio, 4 * ratio] : []);
    ctx.beginPath();
    ctx.moveTo(u.bbox.left, y);
    ctx.lineTo(u.bbox.left + u.bbox.width, y);
    ctx.stroke();
    if (text) {
      ctx.font = `600 ${11 * ratio}px system-ui, sans-serif`;
      ctx.textAlign = "right";
      const above = y - u.bbox.top > 18 * ratio;
      ctx.fillText(text, u.bbox.left + u.bbox.width - 4 * ratio, above ? y - 5 * ratio : y + 14 * ratio);
    }
    ctx.restore();
  }

  // --- The charts ----------------------------------------------------------

  function axes(values, size) {
    const font = "12px system-ui, sans-serif";
    return [
      { stroke: () => colours.axis, font, grid: { show: false }, ticks: { stroke: () => colours.grid, size: 4 }, space: 64, values: ticks },
      { stroke: () => colours.axis, font, grid: { stroke: () => colours.grid, width: 1 }, ticks: { show: false }, size, space: 34, values },
    ];
  }

  // ticks writes the time in UTC, and the day where it changes.
  function ticks(u, splits, axis, space, step) {
    let day = "";
    return splits.map((at) => {
      const text = new Date(at * 1000).toISOString();
      const today = text.slice(5, 10);
      const first = today !== day;
      day = today;
      if (step >= 86400) {
        return today;
      }
      const hour = step < 60 ? text.slice(11, 19) : text.slice(11, 16);
      return first ? `${hour}\n${today}` : hour;
    });
  }

  // zoom opens the page of the stretch that was dragged over.
  function zoom(u) {
    if (u.select.width < 4) {
      return;
    }
    const from = Math.floor(u.posToVal(u.select.left, "x"));
    const to = Math.ceil(u.posToVal(u.select.left + u.select.width, "x"));
    const query = new URLSearchParams(location.search);
    query.delete("range");
    query.set("from", from);
    query.set("to", Math.max(to, from + 60));
    location.assign(`${location.pathname}?${query}`);
  }

  function options(holder, series, scale, yAxis, under, over) {
    return {
      width: holder.clientWidth, height: holder.clientHeight, tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "UTC"),
      padding: [10, 22, 0, 0],
      cursor: { sync: { key: "objective", setSeries: false }, drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
      select: { show: true },
      legend: { live: true },
      scales: { x: { time: true, range: () => [data.from, Math.max(data.to, data.from + 1)] }, y: scale },
      axes: yAxis,
      series: [{ label: "at", value: (u, v) => v == null ? "–" : clock(v) }, ...series],
      hooks: { drawClear: [under], draw: [over], setSelect: [zoom] },
    };
  }

  const line = (label, colour, value, extra) => ({
    label, stroke: () => colours[colour], width: 2, spanGaps: false, points: { show: false }, value: (u, v) => value(v), ...extra,
  });

  const makers = {
    budget: {
      rows: () => [ends(), data.budget],
      make: (holder) => options(holder, [
        line("budget left", "budget", (v) => percent(v, 2), { fill: () => fade(colours.budget, 0.12) }),
      ], { range: (u, least, most) => [Math.min(0, least ?? 0), Math.max(1, most ?? 1)] },
      axes((u, splits) => splits.map((v) => `${Math.round(v * 100)} %`), 56),
      (u) => { drawUnmeasured(u, true); drawEpisodes(u, true); },
      (u) => { rule(u, 0, colours.exhausted, u.scales.y.min < 0 ? "spent" : "", false); mark(u, true); }),
    },
    sli: {
      rows: () => [middles(), data.start.map((_, i) => share(i))],
      make: (holder) => options(holder, [
        line("good", "line", (v) => percent(v, 4), { width: 1.75 }),
      ], { range: (u, least) => {
        const low = Math.min(least ?? 1, data.target);
        return [low - (1 - low) * 0.15, 1 + (1 - low) * 0.05];
      } },
      axes((u, splits, axis, space, step) => splits.map((v) => v > 1 + 1e-9 || v < 0 ? "" : percent(v, decimals(step * 100))), 66),
      (u) => drawUnmeasured(u),
      (u) => { rule(u, data.target, colours.threshold, `target ${trim(data.target * 100)} %`, true); mark(u); }),
    },
    events: {
      // A few bad events among many are drawn at least this high.
      rows: () => {
        const all = totals();
        const visible = Math.max(...all, 1) / 80;
        return [middles(), all, data.bad.map((bad) => bad > 0 ? Math.max(whole(bad), visible) : null)];
      },
      make: (holder) => options(holder, [
        bars("events", "good", (i) => totals()[i]), bars("bad", "bad", (i) => whole(data.bad[i])),
      ], { range: (u, least, most) => [0, Math.max(most ?? 0, 1) * 1.08] },
      axes((u, splits) => splits.map(short), 48), (u) => drawUnmeasured(u), (u) => mark(u)),
    },
    tier: {
      rows: (figure) => {
        const tier = data.tiers[figure.dataset.tier];
        return [ends(), tier.long_rates, tier.short_rates];
      },
      make: (holder, figure) => {
        const tier = data.tiers[figure.dataset.tier];
        return options(holder, [
          line(tier.long, "long", times, { width: 2 }), line(tier.short, "short", times, { width: 1.25, dash: [2, 2] }),
        ], { range: (u, least, most) => [0, Math.max(most ?? 0, tier.factor) * 1.15] },
        axes((u, splits) => splits.map((v) => `${short(v)}×`), 48), (u) => drawUnmeasured(u),
        (u) => {
          if (tier.long_rates.every((v) => v === null) && data.start.length > 0) {
            note(u, `choose a shorter range to see ${tier.long}`);
          }
          rule(u, tier.factor, colours.threshold, `fires at ${trim(Math.floor(tier.factor * 100 + 1e-9) / 100)}×`, true);
        });
      },
    },
  };

  function bars(label, colour, count) {
    return {
      label, stroke: () => colours[colour], fill: () => colours[colour], width: 0, points: { show: false },
      paths: uPlot.paths.bars({ size: [0.85, 40], gap: 0 }), value: (u, v, series, i) => i == null ? "–" : integer(count(i)),
    };
  }

  function decimals(step) {
    return Math.min(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)), 6);
  }

  function trim(v) {
    return String(Number(v.toFixed(7)));
  }

  function short(v) {
    const unit = [[1e9, "G"], [1e6, "M"], [1e3, "k"]].find(([size]) => v >= size);
    return unit ? `${trim(Number((v / unit[0]).toFixed(1)))}${unit[1]}` : trim(Number(v.toFixed(2)));
  }

  function draw() {
    for (const figure of panel.querySelectorAll("[data-chart]")) {
      const holder = figure.querySelector(".plot");
      const maker = makers[figure.dataset.chart];
      const chart = new uPlot(maker.make(holder, figure), maker.rows(figure), holder);
      charts.push({ chart, maker, figure, holder });
      new ResizeObserver(() => fit(chart, holder)).observe(holder);
      fit(chart, holder);
      holder.addEventListener("keydown", (event) => step(event, chart, figure));
    }
  }

  // fit leaves room for the legend below the canvas, within a box whose height
  // the style sheet has fixed, so that nothing moves.
  function fit(chart, holder) {
    const legend = chart.root.querySelector(".u-legend");
    const height = holder.clientHeight - (legend?.offsetHeight ?? 0);
    if (holder.clientWidth > 0 && (chart.width !== holder.clientWidth || chart.height !== height)) {
      chart.setSize({ width: holder.clientWidth, height });
    }
  }

  // step moves the cursor by one row and says what is there.
  function step(event, chart, figure) {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined || data.start.length === 0) {
      return;
    }
    event.preventDefault();
    const last = data.start.length - 1;
    const at = Math.min(Math.max((chart.cursor.idx ?? (by > 0 ? -1 : last + 1)) + by, 0), last);
    chart.setCursor({ left: chart.valToPos(chart.data[0][at], "x"), top: 10 });
    const values = chart.series.slice(1).map((s, i) => `${s.label} ${s.value(chart, chart.data[i + 1][at])}`);
    reading.textContent = `${clock(chart.data[0][at])}: ${values.join(", ")} (${figure.querySelector("figcaption").firstChild.textContent.trim()})`;
  }

  const names = (chart) => chart.tiers.map((tier) => `${tier.name} ${tier.factor}`).join();

  // --- New data ------------------------------------------------------------

  let asked = 0;
  let running = false;
  let later = 0;
  async function refresh() {
    const wait = refreshEvery - (Date.now() - asked);
    if (document.hidden || running || wait > 0) {
      clearTimeout(later); // The last verdict before a quiet spell is drawn, too.
      later = setTimeout(refresh, Math.max(wait, 1000));
      return;
    }
    clearTimeout(later);
    asked = Date.now();
    running = true;
    try {
      const answer = await fetch(panel.dataset.source, { headers: { Accept: "application/json" } });
      if (answer.ok) {
        const fresh = await answer.json();
        if (names(fresh) !== names(data)) {
          location.reload(); // The tiers were changed: the page has other charts.
          return;
        }
        data = fresh;
        for (const { chart, maker, figure } of charts) {
          chart.setData(maker.rows(figure));
        }
      }
    } catch {
      // The head of the page says that it is not live.
    } finally {
      running = false;
    }
  }

  const moving = new URL(panel.dataset.source, location.origin).searchParams.has("range");
  if (moving) {
    document.body.addEventListener("verdict", refresh);
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    colours = palette();
    charts.forEach(({ chart }) => chart.redraw(false));
  });
  draw();
  panel.dataset.drawn = String(charts.length);
})();
