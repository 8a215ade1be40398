// Charts: what they share, and the kinds that the reports use.

Chart.defaults.animation = false;
Chart.defaults.responsive = true;
Chart.defaults.maintainAspectRatio = false;
Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
Object.assign(Chart.defaults.plugins.legend, {align: 'start', onClick: null});

function theme() {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  return {text: color('text'), muted: color('muted'), grid: color('grid'), surface: color('surface'),
    series: ['a', 'b', 'c', 'd', 'e'].map(color)};
}

const figures = [];
const drawn = new Set();

// Counts canvases that have been drawn at least once, where tests can see it.
Chart.register({id: 'drawn', afterDraw(chart) {
  drawn.add(chart.canvas);
  document.documentElement.dataset.chartsDrawn = drawn.size;
}});

// Values at the end of horizontal bars.
const endLabels = {id: 'endLabels', afterDatasetsDraw(chart, _, options) {
  const {ctx} = chart;
  ctx.save();
  ctx.font = `600 12px ${Chart.defaults.font.family}`;
  ctx.fillStyle = options.color;
  ctx.textBaseline = 'middle';
  chart.getDatasetMeta(0).data.forEach((bar, i) => {
    const text = options.text(i);
    const outside = bar.x + 6 + ctx.measureText(text).width <= chart.width - 2;
    ctx.textAlign = outside ? 'left' : 'right';
    ctx.fillStyle = outside ? options.color : options.inside;
    ctx.fillText(text, outside ? bar.x + 6 : bar.x - 6, bar.y);
  });
  ctx.restore();
}};

// Vertical lines at values of an axis, labelled, with what lies outside of them shaded.
const limits = {id: 'limits', afterDatasetsDraw(chart, _, options) {
  const {ctx, chartArea: area} = chart;
  const x = chart.scales[options.axis];
  const [low, high] = options.at.map((v) => Math.min(area.right, Math.max(area.left, x.getPixelForValue(v))));
  ctx.save();
  ctx.globalAlpha = 0.13;
  ctx.fillStyle = options.color;
  ctx.fillRect(area.left, area.top, low - area.left, area.height);
  ctx.fillRect(high, area.top, area.right - high, area.height);
  ctx.globalAlpha = 1;
  ctx.strokeStyle = options.color;
  ctx.lineWidth = 2;
  ctx.setLineDash([6, 4]);
  for (const at of [low, high]) {
    ctx.beginPath();
    ctx.moveTo(at, area.top);
    ctx.lineTo(at, area.bottom);
    ctx.stroke();
  }
  ctx.restore();
}};

// A figure with a chart and the table behind it. spec: title, note, label (a sentence of what is shown), height (of the
// plot, in pixels), tall (scrolls inside the page), config(theme, narrow) for Chart.js, columns, rows; or empty, and a
// note that says why there is nothing to draw. `makeSpec` may be a function; update() calls it again.
function figure(parent, makeSpec) {
  const make = typeof makeSpec === 'function' ? makeSpec : () => makeSpec;
  const canvas = el('canvas', {role: 'img'});
  const plot = el('div', {class: 'plot'}, canvas);
  const title = el('h3'), note = el('p', {class: 'note'});
  const holder = el('div', {class: 'scroll'}, plot);
  const behind = el('details', {}, el('summary', {}, 'The numbers behind it'));
  parent.append(el('figure', {}, el('figcaption', {}, title, note), holder, behind));
  const entry = {chart: null};
  entry.draw = () => {
    const spec = entry.spec;
    if (entry.chart) entry.chart.destroy();
    entry.chart = null;
    holder.hidden = behind.hidden = Boolean(spec.empty);
    document.documentElement.dataset.chartsTotal = figures.filter((f) => !f.spec.empty).length;
    if (spec.empty) return;
    plot.style.height = `${spec.height || 260}px`;
    entry.chart = new Chart(canvas, spec.config(theme(), plot.clientWidth < 520));
  };
  entry.update = () => {
    const spec = entry.spec = make();
    title.textContent = spec.title;
    note.textContent = spec.note || '';
    note.hidden = !spec.note;
    if (spec.empty) return entry.draw();
    canvas.setAttribute('aria-label', spec.label);
    holder.className = spec.tall ? 'scroll tall' : 'scroll';
    if (spec.tall) {
      holder.tabIndex = 0;
      holder.setAttribute('role', 'region');
      holder.setAttribute('aria-label', spec.title);
    }
    const open = behind.querySelector('.scroll');
    if (open) open.remove();
    behind.append(scrolling(table(spec.columns, spec.rows), `Table: ${spec.title}`));
    entry.draw();
  };
  figures.push(entry);
  entry.update();
  return entry;
}

function redraw() {
  for (const entry of figures) entry.draw();
}
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
// On paper: light, with every table open.
addEventListener('beforeprint', () => {
  document.documentElement.dataset.theme = 'light';
  for (const node of document.querySelectorAll('details:not([open])')) {
    node.open = true;
    node.dataset.closed = '';
  }
  redraw();
});
addEventListener('afterprint', () => {
  delete document.documentElement.dataset.theme;
  for (const node of document.querySelectorAll('details[data-closed]')) {
    node.open = false;
    delete node.dataset.closed;
  }
  redraw();
});

// An axis with a title and its unit.
function axis(colors, title, as, more = {}) {
  return {
    title: {display: Boolean(title), text: title, color: colors.muted},
    grid: {color: colors.grid, borderColor: colors.grid},
    ...more,
    ticks: {color: colors.muted, maxRotation: 0, ...(as ? {callback: (v) => as(v)} : {}), ...more.ticks},
  };
}

// The names of the datasets that have one, with their full colours.
function legend(colors) {
  return {labels: {boxWidth: 14, boxHeight: 10, generateLabels: (chart) => chart.data.datasets.filter((set) => set.label).map((set) => ({
    text: set.label, fontColor: colors.text, fillStyle: set.color, lineWidth: 0}))}};
}

function tooltip(colors, callbacks) {
  return {backgroundColor: colors.text, titleColor: colors.surface, bodyColor: colors.surface, callbacks};
}

// Ticks of a bytes axis fall on round KiB or MiB.
function bytesTicks(most, narrow) {
  const unit = most >= 1048576 ? 1048576 : most >= 1024 ? 1024 : 1;
  const raw = most / unit / (narrow ? 3 : 5);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((m) => m * power >= raw) * power;
  const name = {1: 'B', 1024: 'KiB', 1048576: 'MiB'}[unit];
  return {stepSize: step * unit, as: (v) => `${trim(v / unit, 3)} ${name}`};
}

// A few horizontal bars with their values written at the ends. bars: {label, value, series}.
function fewBars(spec) {
  return {
    ...spec,
    height: 44 * spec.bars.length + 56,
    columns: [{title: spec.what || ''}, {title: spec.unit, as: spec.as}],
    rows: spec.bars.map((bar) => [bar.label, bar.value]),
    label: `${spec.label} ${spec.bars.map((bar) => `${bar.label}: ${bar.value === null ? 'none' : spec.as(bar.value)}`).join('; ')}.`,
    config: (colors, narrow) => {
      const most = Math.max(...spec.bars.map((bar) => bar.value || 0));
      const bytes = spec.as === format.bytes ? bytesTicks(most || 1, narrow) : null;
      return {
        type: 'bar',
        data: {labels: spec.bars.map((bar) => bar.label),
          datasets: [{data: spec.bars.map((bar) => bar.value), backgroundColor: spec.bars.map((bar) => colors.series[bar.series]), maxBarThickness: 26, borderRadius: 2}]},
        options: {
          indexAxis: 'y',
          layout: {padding: {right: 70}},
          scales: {
            x: axis(colors, bytes ? '' : spec.unit, bytes ? bytes.as : null, {beginAtZero: true, max: spec.max, ticks: bytes ? {stepSize: bytes.stepSize} : {maxTicksLimit: 6, includeBounds: false}}),
            y: axis(colors, '', null, {grid: {display: false}, ticks: {color: colors.text, callback(v) { return shorten(this.getLabelForValue(v), narrow ? 19 : 34); }}}),
          },
          plugins: {legend: {display: false}, endLabels: {color: colors.text, inside: colors.surface, text: (i) => spec.bars[i].value === null ? '' : spec.as(spec.bars[i].value)},
            tooltip: tooltip(colors, {label: (item) => spec.as(item.raw)})},
        },
        plugins: [endLabels],
      };
    },
  };
}

// Many horizontal bars, one row per name, in a box that scrolls. rows: {label, part, values}; series: [name].
function manyBars(spec) {
  const {rows, series} = spec;
  const rowHeight = series.length > 1 ? 30 : 22;
  return {
    ...spec,
    tall: true,
    height: rows.length * rowHeight + 84,
    columns: [{title: spec.what}, ...series.map((name) => ({title: name, as: spec.as})), ...(spec.more || [])],
    rows: rows.map((row) => Object.assign([row.label, ...row.values, ...(row.more || [])], {part: row.part})),
    config: (colors, narrow) => ({
      type: 'bar',
      data: {labels: rows.map((row) => row.label),
        datasets: series.map((name, s) => {
          const color = colors.series[spec.colors ? spec.colors[s] : s];
          // Parts of a block are drawn paler than the whole.
          const fill = rows.map((row) => row.part ? color + '80' : color);
          const common = {label: name, color, data: rows.map((row) => row.values[s]), backgroundColor: fill};
          return spec.dots ? {...common, type: 'line', showLine: false, pointRadius: 4.5, pointHoverRadius: 6, pointBackgroundColor: color, pointBorderColor: color} :
            {...common, borderColor: color, borderWidth: rows.map((row) => row.part ? 1 : 0), barThickness: series.length > 1 ? 9 : 11};
        })},
      options: {
        indexAxis: 'y',
        interaction: {mode: 'index', axis: 'y', intersect: false},
        scales: {
          x: axis(colors, spec.unit, null, {position: 'top', beginAtZero: !spec.dots, max: spec.max, ticks: {maxTicksLimit: narrow ? 5 : 10}}),
          y: axis(colors, '', null, {grid: {display: false}, ticks: {autoSkip: false, color: (c) => rows[c.index] && rows[c.index].part ? colors.muted : colors.text,
            font: {size: narrow ? 10 : 12}, callback(v) { const row = rows[v]; return row.part ? `\u21b3 ${shorten(row.short, narrow ? 12 : 40)}` : brief(row.label, narrow ? 23 : 46); }}}),
        },
        plugins: {legend: {display: series.length > 1, ...legend(colors)}, tooltip: tooltip(colors, {label: (item) => `${item.dataset.label}: ${item.raw === null ? spec.absent || 'none' : spec.as(item.raw)}`})},
      },
    }),
  };
}

// Live bytes of the arena, step by step. plans: {name, series, steps: [{name, live_bytes}]}.
function memorySteps(plans) {
  const longest = Math.max(...plans.map((plan) => plan.steps.length));
  const most = Math.max(1, ...plans.flatMap((plan) => plan.steps.map((step) => step.live_bytes)));
  const peak = (plan) => Math.max(0, ...plan.steps.map((step) => step.live_bytes));
  return {
    title: 'Live memory at each step',
    note: 'Bytes of the arena that hold a value or scratch while a step runs. The highest step decides how large the arena is.',
    label: `Line chart of live arena bytes over the steps of the plan. ${plans.map((plan) => `${plan.name}: ${plan.steps.length} steps, at most ${format.bytes(peak(plan))}`).join('; ')}.`,
    height: 300,
    columns: [{title: 'step'}, {title: 'plan', text: true}, {title: 'name', text: true}, {title: 'live bytes', as: format.bytes}],
    rows: plans.flatMap((plan) => plan.steps.map((step, i) => [i, plan.name, step.name, step.live_bytes])),
    config: (colors, narrow) => {
      const ticks = bytesTicks(most);
      return {
        type: 'line',
        data: {labels: Array.from({length: longest}, (_, i) => i),
          datasets: plans.map((plan) => ({label: plan.name, data: plan.steps.map((step) => step.live_bytes), stepped: 'middle', pointRadius: 0, pointHitRadius: 8, borderWidth: 2,
            color: colors.series[plan.series], borderColor: colors.series[plan.series], backgroundColor: colors.series[plan.series] + '22', fill: 'origin'}))},
        options: {
          interaction: {mode: 'index', intersect: false},
          scales: {x: axis(colors, 'step of the plan', null, {ticks: {maxTicksLimit: narrow ? 7 : 14}}), y: axis(colors, 'live bytes', ticks.as, {beginAtZero: true, ticks: {stepSize: ticks.stepSize}})},
          plugins: {legend: legend(colors), tooltip: tooltip(colors, {label: (item) => `${item.dataset.label}: ${format.bytes(item.raw)} (${plans[item.datasetIndex].steps[item.dataIndex].name})`})},
        },
      };
    },
  };
}

// What lies where in the arena. plan: {name, steps, arena_bytes, arena: [{name, offset, bytes, first_step, last_step}]}.
function arenaMap(plan) {
  const blocks = {id: 'blocks', afterDatasetsDraw(chart) {
    const {ctx, scales: {x, y}} = chart;
    const colors = theme();
    ctx.save();
    ctx.font = `11px ${Chart.defaults.font.family}`;
    ctx.textBaseline = 'middle';
    plan.arena.forEach((slot, i) => {
      const left = x.getPixelForValue(slot.first_step - 0.5), right = x.getPixelForValue(slot.last_step + 0.5);
      const top = y.getPixelForValue(slot.offset + slot.bytes), bottom = y.getPixelForValue(slot.offset);
      ctx.fillStyle = colors.series[i % colors.series.length];
      ctx.globalAlpha = 0.75;
      ctx.fillRect(left, top, right - left, bottom - top);
      ctx.globalAlpha = 1;
      ctx.strokeStyle = colors.surface;
      ctx.lineWidth = 1;
      ctx.strokeRect(left, top, right - left, bottom - top);
    });
    ctx.restore();
  }};
  return {
    title: `Arena map: ${plan.name}`,
    note: 'Each block is a value: how long it lives from left to right, where it lies from bottom to top.',
    label: `Map of the arena of ${plan.name}: ${plural(plan.arena.length, 'block')} over ${plural(plan.steps.length, 'step')} in ${format.bytes(plan.arena_bytes)}.`,
    height: 300,
    columns: [{title: 'value'}, {title: 'offset', as: format.bytes}, {title: 'size', as: format.bytes}, {title: 'first step', as: format.plain}, {title: 'last step', as: format.plain}],
    rows: plan.arena.map((slot) => [slot.name, slot.offset, slot.bytes, slot.first_step, slot.last_step]),
    config: (colors) => {
      const ticks = bytesTicks(plan.arena_bytes || 1);
      return {
        type: 'scatter',
        data: {datasets: [{data: []}]},
        options: {
          scales: {x: axis(colors, 'step of the plan', null, {min: -0.5, max: Math.max(plan.steps.length, 1) - 0.5, ticks: {callback: (v) => Number.isInteger(v) ? v : '', maxTicksLimit: 14, includeBounds: false}}),
            y: axis(colors, 'offset in the arena', ticks.as, {min: 0, max: Math.ceil((plan.arena_bytes || 1) / ticks.stepSize) * ticks.stepSize, ticks: {stepSize: ticks.stepSize}})},
          plugins: {legend: {display: false}, tooltip: {enabled: false}},
        },
        plugins: [blocks],
      };
    },
  };
}

// A histogram of the JSON with the interval that int8 covers. Zero bins are added where the interval reaches further.
function histogram(spec) {
  const {edges, counts} = spec.histogram;
  const width = edges[1] - edges[0];
  const room = (distance) => Math.min(64, Math.max(0, Math.ceil(distance / width)));
  const before = spec.clip ? room(edges[0] - spec.clip.min) : 0;
  const after = spec.clip ? room(spec.clip.max - edges[edges.length - 1]) : 0;
  const padded = [...Array(before).fill(0), ...counts, ...Array(after).fill(0)];
  const low = edges[0] - before * width, high = edges[edges.length - 1] + after * width;
  return {
    ...spec,
    height: 280,
    columns: [{title: 'bin'}, {title: 'from', as: format.real}, {title: 'to', as: format.real}, {title: 'values', as: format.count}],
    rows: counts.map((count, i) => [i, edges[i], edges[i + 1], count]),
    config: (colors, narrow) => ({
      type: 'bar',
      data: {labels: padded.map((_, i) => i), datasets: [{data: padded, backgroundColor: colors.series[spec.series], categoryPercentage: 1, barPercentage: 0.96}]},
      options: {
        scales: {
          bins: {axis: 'x', display: false, offset: true},
          x: axis(colors, spec.unit, null, {type: 'linear', min: low, max: high, offset: false, ticks: {maxTicksLimit: narrow ? 5 : 9, includeBounds: false, callback: (v) => format.real(v)}}),
          y: axis(colors, 'values (logarithmic)', null, {type: 'logarithmic', min: 0.8, ticks: {callback: (v) => Number.isInteger(Math.log10(v)) ? format.short(v) : null}}),
        },
        plugins: {legend: {display: false}, ...(spec.clip ? {limits: {axis: 'x', at: [spec.clip.min, spec.clip.max], color: colors.series[1]}} : {}),
          tooltip: tooltip(colors, {title: (items) => { const i = items[0].dataIndex - before; return i >= 0 && i < counts.length ? `${format.real(edges[i])} to ${format.real(edges[i + 1])}` : ''; },
            label: (item) => `${format.count(item.raw)} values`})},
        datasets: {bar: {xAxisID: 'bins'}},
      },
      plugins: spec.clip ? [limits] : [],
    }),
  };
}
