// bench/growth.sh's report: what a network costs as its input, its width or its batch grows.

const growthAxes = [['size', 'Input size', 'pixels a side'], ['width', 'Width', 'times the channels'], ['batch', 'Batch', 'pictures']];

function showGrowth() {
  const setups = [];
  for (const point of data.points) if (!setups.some((s) => s.dtype === point.dtype && s.threads === point.threads)) setups.push({dtype: point.dtype, threads: point.threads});
  const nameOf = (setup) => `${setup.dtype}, ${plural(setup.threads, 'thread')}`;
  document.getElementById('head').append(el('h1', {}, 'How the cost of MobileNetV2 grows'),
    el('p', {class: 'lede'}, `Measured with qbench ${data.version} on ${data.machine.cpu} with ${data.points[0].isa}; random weights. Where an axis does not say otherwise: ${data.options.size} pixels, width 1, batch 1.`));
  for (const [axisName, title, unit] of growthAxes) {
    const points = data.points.filter((point) => point.axis === axisName);
    if (!points.length) continue;
    const of = (setup) => points.filter((point) => point.dtype === setup.dtype && point.threads === setup.threads);
    const node = section(axisName, title);
    const grid = el('div', {class: 'grid'});
    node.append(grid);
    figure(grid, growthLines(`Time of one run by ${title.toLowerCase()}`, unit, 'ms', format.ms, axisName, 'median_ms', setups, of, nameOf));
    figure(grid, growthLines(`Multiply-accumulates a second by ${title.toLowerCase()}`, unit, 'GMAC/s', format.rate, axisName, 'gmacs_per_second', setups, of, nameOf));
    card(node, 'Numbers', table([{title: title.toLowerCase()}, {title: 'arithmetic', text: true}, {title: 'threads'}, {title: 'median', as: format.ms}, {title: 'minimum', as: format.ms},
      {title: 'GMAC/s', as: format.rate}, {title: 'MACs', as: format.count}, {title: 'arena', as: format.bytes}],
    points.map((point) => [point[axisName], point.dtype, point.threads, point.median_ms, point.min_ms, point.gmacs_per_second, point.macs, point.arena_bytes])));
  }
  const node = section('details', 'What was measured, and where');
  const grid = el('div', {class: 'grid'});
  node.append(grid);
  card(grid, 'Machine', properties(data.machine));
  card(grid, 'Options', properties({tool: data.tool, version: data.version, date: data.date, ...data.options}));
}

// A line per setup: `value` of its points against `by`.
function growthLines(title, unit, valueUnit, as, by, value, setups, of, nameOf) {
  return {
    title,
    label: `Line chart. ${title}. ${setups.map((setup) => `${nameOf(setup)}: ${of(setup).map((point) => `${as(point[value])} at ${point[by]}`).join(', ')}`).join('; ')}.`,
    height: 300,
    columns: [{title: by}, ...setups.map((setup) => ({title: nameOf(setup), as}))],
    rows: of(setups[0]).map((point, i) => [point[by], ...setups.map((setup) => of(setup)[i][value])]),
    config: (colors) => ({
      type: 'line',
      data: {datasets: setups.map((setup, i) => ({label: nameOf(setup), data: of(setup).map((point) => ({x: point[by], y: point[value]})), borderWidth: 2, pointRadius: 3,
        color: colors.series[i % colors.series.length], borderColor: colors.series[i % colors.series.length], backgroundColor: colors.series[i % colors.series.length], borderDash: setup.dtype === 'int8' ? [] : [7, 3]}))},
      options: {
        scales: {x: axis(colors, unit, null, {type: 'linear', ticks: {maxTicksLimit: 8}}), y: axis(colors, valueUnit, null, {beginAtZero: true})},
        plugins: {legend: legend(colors), tooltip: tooltip(colors, {title: () => '', label: (item) => `${item.dataset.label}, ${item.raw.x}: ${as(item.raw.y)}`})},
      },
    }),
  };
}
