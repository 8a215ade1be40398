// qbench's report: what a model costs, or what one gained against another.

function showQbench() {
  const {results, comparisons} = data;
  const two = comparisons.length > 0;
  const series = (result) => result.role === 'candidate' ? 1 : 0;
  const kinds = new Set(results.map((r) => r.dtype));
  // "float32" and "int8" say more than roles, if they tell the models apart.
  const nameOf = (result) => two ? kinds.size > 1 ? result.dtype : result.role : result.dtype;
  const oneIsa = new Set(results.map((r) => r.isa)).size === 1;
  const setup = (r) => plural(r.threads, 'thread') + (oneIsa ? '' : `, ${r.isa}`);
  const perSetup = two ? 2 : 1;
  const setups = results.filter((_, i) => i % perSetup === 0);
  const ofSetup = (i) => results.slice(i * perSetup, (i + 1) * perSetup);
  const first = ofSetup(0);
  const last = first[first.length - 1];

  head(two, first, nameOf, setup);
  headline(two, first, nameOf, setup);

  const speed = section('speed', 'Speed', two ? 'Both models ran in turns, in rounds of random order.' : null);
  const grid = el('div', {class: 'grid'});
  speed.append(grid);
  figure(grid, fewBars({title: 'Median time of one run', what: 'configuration', unit: 'ms', as: format.ms,
    label: 'Bar chart of the median time of one run.',
    bars: results.map((r) => ({label: `${nameOf(r)}, ${setup(r)}`, value: r.median_ms, series: series(r)}))}));
  figure(grid, coldStart(results.slice(0, perSetup), nameOf));
  let chosen = 0;
  const distribution = figure(speed, () => latency(ofSetup(chosen), nameOf, series, setup(setups[chosen])));
  if (setups.length > 1) {
    grid.after(el('div', {class: 'controls'}, choice('Distribution for', setups.map(setup), (i) => {
      chosen = i;
      distribution.update();
    })));
  }
  card(speed, 'All configurations', table(
    [{title: 'model'}, {title: 'threads'}, {title: 'instruction set', text: true}, {title: 'median', as: format.ms}, {title: 'minimum', as: format.ms}, {title: '90 %', as: format.ms},
      {title: '99 %', as: format.ms}, {title: 'cold start', as: format.ms}, {title: 'disturbed samples', as: format.share}, {title: 'warm-up runs'}, {title: 'runs a sample'}],
    results.map((r) => [nameOf(r), r.threads, r.isa, r.median_ms, r.min_ms, r.p90_ms, r.p99_ms, r.cold_ms, r.samples_disturbed_percent, r.warmup_runs, r.runs_per_sample])));
  if (two) {
    card(speed, 'Comparison', table(
      [{title: 'configuration'}, {title: 'speedup', as: format.times}, {title: '95 % from', as: format.times}, {title: 'to', as: format.times}, {title: 'verdict', text: true}, {title: 'cold start', as: format.times},
        {title: 'retention', as: format.percent}, {title: 'overall', as: (v) => v.toFixed(3)}],
      comparisons.map((c) => [setup(c), c.speedup, c.speedup_ci95[0], c.speedup_ci95[1], c.verdict.replace('_', ' '), c.cold_speedup, c.retention, c.overall])));
  }

  if (first.some((r) => r.accuracy)) accuracy(first, nameOf, series);
  sizes(first, nameOf, series);
  operators(two, setups, setup, ofSetup, nameOf);
  memory(first, nameOf, series);
  appendix(first, nameOf);
}

function head(two, models, nameOf, setup) {
  const names = models.map((r) => baseName(r.model)).join(' against ');
  document.getElementById('head').append(el('h1', {}, names),
    el('p', {class: 'lede'}, `Measured with qbench ${data.version} on ${data.machine.cpu} with ${models[0].isa}, ${plural(models[0].threads, 'thread')}${two ? `; baseline ${nameOf(models[0])}, candidate ${nameOf(models[1])}` : ''}.`));
}

function headline(two, [a, b], nameOf, setup) {
  const c = data.comparison;
  const list = [];
  const was = (value, as) => two ? ['was ', number(value, as)] : '';
  const m = b || a;
  if (two) {
    const verdict = {faster: 'faster', slower: 'slower', same: 'no difference', too_noisy: 'the machine was too noisy to tell'}[c.verdict];
    list.push({label: `Speedup, ${setup(c)}`, value: number(c.speedup, format.times), tone: {faster: 'good', slower: 'bad'}[c.verdict],
      aside: [`${verdict}; 95 % interval `, number(c.speedup_ci95[0], format.times), ' to ', number(c.speedup_ci95[1], format.times)]});
  }
  list.push({label: 'Median time of a run', value: number(m.median_ms, format.ms), aside: two ? was(a.median_ms, format.ms) : ['minimum ', number(m.min_ms, format.ms), ', 99 % under ', number(m.p99_ms, format.ms)]});
  list.push({label: 'Model file', value: number(m.file_bytes, format.bytes), aside: was(a.file_bytes, format.bytes)});
  list.push({label: 'Arena (activations)', value: number(m.arena_bytes, format.bytes), aside: was(a.arena_bytes, format.bytes)});
  list.push({label: 'Peak memory of the process', value: number(m.peak_rss_bytes, format.bytes), aside: was(a.peak_rss_bytes, format.bytes)});
  const metric = m.accuracy && (m.accuracy.auc !== null ? ['AUC', 'auc', (v) => v.toFixed(4)] : ['Top-1', 'top1', format.percent]);
  if (metric && m.accuracy[metric[1]] !== null) {
    list.push({label: `${metric[0]} on ${format.count(m.accuracy.images)} items`, value: number(m.accuracy[metric[1]], metric[2]),
      aside: two ? ['was ', number(a.accuracy[metric[1]], metric[2]), '; retention ', number(c.retention, format.percent)] : ''});
  }
  if (two && c.overall !== null) list.push({label: 'Overall', value: number(c.overall, (v) => v.toFixed(3)), aside: 'retention / 100 + speedup / 5'});
  if (two && c.agreement !== null) list.push({label: 'Same first class', value: number(c.agreement, format.percent), aside: ['outputs agree to ', number(c.sqnr_db, format.db)]});
  const slowest = [...m.layers].sort((x, y) => y.ms - x.ms)[0];
  if (slowest) list.push({label: `Slowest step${two ? ` in ${nameOf(m)}` : ''}`, name: true, value: brief(slowest.name, 40), aside: [number(slowest.ms, format.ms), ', ', number(slowest.percent, format.share), ' of the run']});
  if (two) {
    // Operators that take next to no time have ratios that say nothing.
    const busy = c.operators.filter((op) => op.speedup !== null && Math.max(op.a_ms, op.b_ms) > 0.01 * a.median_ms);
    const worst = busy.sort((x, y) => x.speedup - y.speedup)[0];
    if (worst) list.push({label: 'Gained least', name: true, value: brief(worst.name, 40), tone: worst.speedup < 1 ? 'bad' : null, aside: [number(worst.a_ms, format.ms), ' \u2192 ', number(worst.b_ms, format.ms), ', ', number(worst.speedup, format.times)]});
  }
  tiles(document.getElementById('head'), list);
}

function coldStart(models, nameOf) {
  const stages = [['open', 'cold_open_ms'], ['plan', 'cold_plan_ms'], ['first run', 'cold_first_run_ms']];
  return {
    title: 'Cold start',
    label: `Stacked bars of the cold start. ${models.map((r) => `${nameOf(r)}: ${format.ms(r.cold_ms)}`).join('; ')}.`,
    height: 44 * models.length + 84,
    columns: [{title: 'model'}, ...stages.map(([title]) => ({title, as: format.ms})), {title: 'together', as: format.ms}],
    rows: models.map((r) => [nameOf(r), ...stages.map(([, key]) => r[key]), r.cold_ms]),
    config: (colors) => ({
      type: 'bar',
      data: {labels: models.map(nameOf), datasets: stages.map(([label, key], i) => ({label, color: colors.series[i + 2], data: models.map((r) => r[key]), backgroundColor: colors.series[i + 2], maxBarThickness: 26}))},
      options: {
        indexAxis: 'y',
        scales: {x: axis(colors, 'ms', null, {stacked: true, beginAtZero: true, ticks: {maxTicksLimit: 6}}), y: axis(colors, '', null, {stacked: true, grid: {display: false}, ticks: {color: colors.text}})},
        plugins: {legend: legend(colors), tooltip: tooltip(colors, {label: (item) => `${item.dataset.label}: ${format.ms(item.raw)}`})},
      },
    }),
  };
}

function latency(models, nameOf, series, where) {
  const at = (r, percent) => r.quantiles.ms[r.quantiles.percent.indexOf(percent)];
  return {
    title: `Distribution of the times, ${where}`,
    note: 'How many per cent of the runs took at most so long. The further left and the steeper, the better.',
    label: `Cumulative distribution of the time of one run, ${where}. ${models.map((r) => `${nameOf(r)}: half of the runs within ${format.ms(at(r, 50))}, 99 % within ${format.ms(at(r, 99))}`).join('; ')}.`,
    height: 280,
    columns: [{title: '% of runs'}, ...models.map((r) => ({title: `${nameOf(r)} at most`, as: format.ms}))],
    rows: models[0].quantiles.percent.map((percent, i) => [percent, ...models.map((r) => r.quantiles.ms[i])]),
    config: (colors) => ({
      type: 'line',
      data: {datasets: models.map((r) => ({label: nameOf(r), data: r.quantiles.ms.map((x, i) => ({x, y: r.quantiles.percent[i]})), pointRadius: 0, pointHitRadius: 6, borderWidth: 2,
        color: colors.series[series(r)], borderColor: colors.series[series(r)], backgroundColor: colors.series[series(r)], borderDash: series(r) ? [] : [7, 3]}))},
      options: {
        scales: {x: axis(colors, 'ms', null, {type: 'linear', ticks: {maxTicksLimit: 8}}), y: axis(colors, '% of runs', null, {min: 0, max: 100, ticks: {stepSize: 25}})},
        plugins: {legend: legend(colors), tooltip: tooltip(colors, {title: () => '', label: (item) => `${item.dataset.label}: ${item.raw.y} % within ${format.ms(item.raw.x)}`})},
      },
    }),
  };
}

function accuracy(models, nameOf, series) {
  const node = section('accuracy', 'Accuracy', `The same ${format.count(models[0].accuracy.images)} items for every model.`);
  const grid = el('div', {class: 'grid'});
  node.append(grid);
  const kinds = [['top1', 'Top-1 accuracy', '%', format.percent, 100], ['top5', 'Top-5 accuracy', '%', format.percent, 100], ['auc', 'Area under the curve', 'AUC', (v) => v.toFixed(4), 1], ['loss', 'Cross-entropy, lower is better', 'nats', (v) => v.toFixed(4)]];
  for (const [key, title, unit, as, max] of kinds) {
    if (models.every((r) => r.accuracy[key] === null)) continue;
    figure(grid, fewBars({title, unit, as, max, what: 'model', label: `Bar chart: ${title}.`, bars: models.map((r) => ({label: nameOf(r), value: r.accuracy[key], series: series(r)}))}));
  }
}

function sizes(models, nameOf, series) {
  const node = section('size', 'Size');
  const grid = el('div', {class: 'grid pairs'});
  node.append(grid);
  for (const [key, title] of [['file_bytes', 'Model file'], ['arena_bytes', 'Arena: activations and scratch'], ['packed_weight_bytes', 'Weights packed for this CPU'], ['peak_rss_bytes', 'Peak resident memory']]) {
    figure(grid, fewBars({title, unit: 'bytes', as: format.bytes, what: 'model', label: `Bar chart: ${title}.`, bars: models.map((r) => ({label: nameOf(r), value: r[key], series: series(r)}))}));
  }
}

function operators(two, setups, setup, ofSetup, nameOf) {
  const node = section('operators', 'Time of every operator', 'A fused block is followed by its parts, whose times are measured inside of it.');
  let chosen = 0, slowest = false;
  const rowsOf = () => {
    const models = ofSetup(chosen);
    const blocks = two ? data.comparisons[chosen].operators.map((op) => ({name: op.name, kind: op.kind, values: [op.a_ms, op.b_ms], more: [op.speedup],
      parts: op.parts.map((part) => ({name: part.name, values: [part.a_ms, part.b_ms], more: [part.speedup]}))})) :
      models[0].layers.map((layer) => ({name: layer.name, kind: layer.kind, values: [layer.ms], more: [layer.percent, layer.gmacs_per_second],
        parts: layer.parts.map((part) => ({name: part.name, values: [part.ms], more: [part.percent, part.gmacs_per_second]}))}));
    if (slowest) blocks.sort((x, y) => Math.max(...y.values) - Math.max(...x.values));
    return blocks.flatMap((block) => [{label: block.name, values: block.values, more: block.more},
      ...block.parts.map((part) => ({label: `${block.name}/${part.name}`, short: part.name, part: true, values: part.values, more: part.more}))]);
  };
  const controls = el('div', {class: 'controls'});
  node.append(controls);
  const chart = figure(node, () => {
    const models = ofSetup(chosen), rows = rowsOf();
    return manyBars({title: `Time by operator, ${setup(setups[chosen])}`, what: 'operator', unit: 'ms', as: format.ms, absent: 'does not have it', rows, series: models.map(nameOf),
      more: two ? [{title: 'speedup', as: format.times}] : [{title: 'share', as: format.share}, {title: 'GMAC/s', as: format.rate}],
      label: `Bar chart of the time of each operator, ${setup(setups[chosen])}, with ${plural(rows.length, 'row')}; the longest is ${[...rows].sort((x, y) => Math.max(...y.values) - Math.max(...x.values))[0].label}.`});
  });
  controls.append(choice('Order', ['as they run', 'slowest first'], (i) => {
    slowest = i === 1;
    chart.update();
  }));
  if (setups.length > 1) {
    controls.append(choice('Configuration', setups.map(setup), (i) => {
      chosen = i;
      chart.update();
    }));
  }
  for (const model of ofSetup(0)) {
    const details = el('details', {}, el('summary', {}, `Every step of ${nameOf(model)}: kernel, work, rate, memory`));
    const row = (layer, part) => Object.assign(part ? [`${layer.name}/${part.name}`, '', '', part.macs, part.ms, part.percent, part.gmacs_per_second, null] :
      [layer.name, layer.kind, layer.candidate, layer.macs, layer.ms, layer.percent, layer.gmacs_per_second, layer.live_bytes], {part: Boolean(part)});
    details.append(scrolling(table([{title: 'step'}, {title: 'type', text: true}, {title: 'kernel', text: true}, {title: 'MACs', as: format.short}, {title: 'time', as: format.ms}, {title: 'share', as: format.share}, {title: 'GMAC/s', as: format.rate}, {title: 'live memory', as: format.bytes}],
      model.layers.flatMap((layer) => [row(layer), ...layer.parts.map((part) => row(layer, part))])), `Steps of ${nameOf(model)}`));
    node.append(el('div', {class: 'card'}, details));
  }
}

function memory(models, nameOf, series) {
  const node = section('memory', 'Memory over time');
  figure(node, memorySteps(models.map((r) => ({name: nameOf(r), series: series(r), steps: r.layers}))));
  const grid = el('div', {class: 'grid'});
  node.append(grid);
  for (const r of models) figure(grid, arenaMap({name: nameOf(r), steps: r.layers, arena_bytes: r.arena_bytes, arena: r.arena}));
}

function appendix(models, nameOf) {
  const node = section('details', 'What was measured, and where');
  card(node, 'Models', table([{title: 'model'}, {title: 'path', text: true}, {title: 'name', text: true}, {title: 'arithmetic', text: true}, {title: 'parameters', as: format.count}, {title: 'MACs', as: format.count}, {title: 'file', as: format.count}, {title: 'SHA-256', text: true, mono: true}],
    models.map((r) => [nameOf(r), r.model, r.name, r.dtype, r.params, r.macs, r.file_bytes, r.sha256])));
  const grid = el('div', {class: 'grid'});
  node.append(grid);
  card(grid, 'Machine', properties(data.machine));
  card(grid, 'Options', properties({tool: data.tool, version: data.version, ...data.options}));
}
