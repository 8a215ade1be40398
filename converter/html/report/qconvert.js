// qconvert's report: what quantising did to a model, layer by layer.

function showQconvert() {
  const int8 = data.dtype === 'int8';
  const layers = data.layers ? data.layers.rows : [];
  const worst = [...layers].filter((layer) => layer.sqnr_db !== null).sort((x, y) => x.sqnr_db - y.sqnr_db)[0];
  document.getElementById('head').append(el('h1', {}, `${data.model}: ${int8 ? 'float to int8' : 'converted in float'}`),
    el('p', {class: 'lede'}, `Converted with qconvert ${data.version} from ${baseName(data.source.path)}${data.calibration ? `, calibrated on ${plural(data.calibration.samples_used, 'sample')}` : ''}.`));
  convertHeadline(int8, worst);
  convertSizes(int8);
  if (data.findings) convertFindings();
  if (layers.length) {
    layerErrors(layers);
    layerExplorer(layers, worst);
  }
  precisionParts();
  convertMemory();
  convertAppendix(layers);
}

function convertHeadline(int8, worst) {
  const {output, source, plans, check, quantization} = data;
  const plan = plans[int8 ? 'int8' : 'float32'];
  const list = [{label: 'Model file', value: number(output.bytes, format.bytes), aside: ['ONNX was ', number(source.bytes, format.bytes), ', ', number(output.compression, format.times), ' this']}];
  list.push({label: 'Arena (activations)', value: number(plan.arena_bytes, format.bytes), aside: int8 ? ['in float ', number(plans.float32.arena_bytes, format.bytes)] : `on ${plan.isa}`});
  for (const out of check.outputs.slice(0, 3)) {
    list.push({label: `Output ${shorten(out.name, 24)} against float`, value: out.sqnr_db === null ? 'equal' : number(out.sqnr_db, format.db), aside: ['SQNR; cosine ', number(out.cosine, format.cosine)]});
  }
  if (check.outputs.length) {
    list.push({label: 'Same first class as float', value: [number(check.outputs[0].same_top1), ' of ', number(check.samples)], aside: 'calibration samples'});
  }
  if (worst) list.push({label: 'Worst layer', name: true, value: brief(worst.name, 40), tone: worst.sqnr_db < 15 ? 'bad' : null, aside: [number(worst.sqnr_db, format.db), ' SQNR, cosine ', number(worst.cosine, format.cosine)]});
  if (quantization) list.push({label: 'Operators in int8', value: number(quantization.int8_operators), aside: [quantization.kept_float.length === 0 ? 'none stays float; ' : quantization.kept_float.length === 1 ? '1 stays float; ' : `${quantization.kept_float.length} stay float; `, number(data.blocks_fused), ' blocks fused']});
  list.push({label: 'Multiply-accumulates', value: number(data.macs, format.short), aside: [number(data.parameters, format.short), ' parameters']});
  tiles(document.getElementById('head'), list);
}

function convertSizes(int8) {
  const {output, source, check} = data;
  const node = section('size', int8 ? 'Size and accuracy by format' : 'Size by format');
  const grid = el('div', {class: 'grid'});
  node.append(grid);
  const bars = [{label: 'ONNX', value: source.bytes, series: 2}];
  if (int8) bars.push({label: 'float32 .qfb', value: output.float32_bytes, series: 0});
  bars.push({label: `${int8 ? 'int8' : 'float32'} .qfb`, value: output.bytes, series: int8 ? 1 : 0});
  figure(grid, fewBars({title: 'File size', unit: 'bytes', what: 'format', as: format.bytes, label: 'Bar chart of the file size by format.', bars}));
  if (check.outputs.length) {
    figure(grid, fewBars({title: 'Agreement with float', note: 'Samples whose largest output is the float model\u2019s. They carry no labels: for accuracy run qeval.', unit: 'samples', what: 'format', as: format.plain, max: check.samples,
      label: `Bar chart of how many of ${check.samples} samples have the same largest output as in float.`,
      bars: [{label: 'float32', value: check.samples, series: 0}, ...check.outputs.map((out) => ({label: check.outputs.length > 1 ? `int8, ${out.name}` : 'int8', value: out.same_top1, series: 1}))]}));
    card(node, 'Outputs against the float model', table([{title: 'output'}, {title: 'SQNR', as: format.db}, {title: 'cosine', as: format.cosine}, {title: 'same largest output', as: format.plain}, {title: 'samples', as: format.plain}],
      check.outputs.map((out) => [out.name, out.sqnr_db, out.cosine, out.same_top1, check.samples])));
  }
}

function convertFindings() {
  const {findings} = data;
  const node = section('findings', 'Findings', findings.length === 0 ? 'No known cause of loss was found.' :
    'Known causes of loss, the most damaging first. SQNR is that of the operators that read the layer\u2019s output, each run alone on float inputs, over channels alike; a gain is measured the same way with the cure in place.');
  if (findings.length === 0) return;
  card(node, plural(findings.length, 'finding'), table([{title: 'layer'}, {title: 'cause', text: true}, {title: 'seen', text: true}, {title: 'cure', text: true}, {title: 'SQNR', as: format.db}, {title: 'gain', as: format.db}, {title: 'state', text: true}],
    findings.map((f) => [f.layer, f.cause, f.evidence, f.cure, f.sqnr_db, f.gain_db, f.repaired ? 'repaired' : 'open'])));
}

const layerTitle = (layer) => layer.block ? `${layer.name} (${layer.part} of ${layer.block})` : layer.name;

function layerErrors(layers) {
  const node = section('error', 'Error of every layer', `Each layer\u2019s output in the int8 model against the float model on ${plural(data.layers.samples, 'sample')}, with the errors of all layers before it. Inner values of fused blocks are those of the same blocks unfused: their bytes are equal.`);
  // What is as good as exact, such as pixels that go in as they are, must not squash the rest.
  const edge = layers.some((layer) => layer.sqnr_db > 60) ? {max: 60, note: 'Bars that reach the edge stand for 60 dB and more.'} : {};
  const metrics = [
    {title: 'Signal to quantisation noise (SQNR), higher is better', key: 'sqnr_db', unit: 'dB', as: format.db, absent: 'equal', low: 'lowest', ...edge},
    {title: 'Cosine of the angle between float and int8, 1 is best', key: 'cosine', unit: 'cosine', as: format.cosine, dots: true, low: 'lowest'},
  ];
  let metric = metrics[0], sorted = false;
  const controls = el('div', {class: 'controls'});
  node.append(controls);
  const chart = figure(node, () => {
    const rank = (layer) => layer[metric.key] === null ? Infinity : layer[metric.key];
    const shown = sorted ? [...layers].sort((x, y) => rank(x) - rank(y)) : layers;
    const worst = [...layers].sort((x, y) => rank(x) - rank(y))[0];
    return manyBars({...metric, what: 'layer', series: [metric.unit], colors: [1],
      rows: shown.map((layer) => ({label: layer.name, values: [layer[metric.key]], more: [layer.op, layer.block || '\u2013', layer.part || '\u2013', layer.dtype]})),
      more: [{title: 'operator', text: true}, {title: 'fused into', text: true}, {title: 'as', text: true}, {title: 'type', text: true}],
      label: `${metric.title}, for ${plural(layers.length, 'layer')}. The ${metric.low} is ${worst.name}${worst[metric.key] === null ? '' : ` with ${metric.as(worst[metric.key])}`}.`});
  });
  controls.append(choice('Show', ['SQNR', 'cosine'], (i) => {
    metric = metrics[i];
    chart.update();
  }), choice('Order', ['as they run', 'worst first'], (i) => {
    sorted = i === 1;
    chart.update();
  }));
}

function layerExplorer(layers, worst) {
  const node = section('ranges', 'Values and their ranges', 'What a layer\u2019s numbers look like in float, and the interval that int8 covers (dashed lines; what is shaded is clipped).');
  let layer = worst || layers[0];
  const label = el('p', {class: 'note'});
  const charts = [];
  const select = choice('Layer', layers.map((l, i) => `${i}: ${layerTitle(l)}`), (i) => {
    layer = layers[i];
    update();
  });
  select.querySelector('select').value = String(layers.indexOf(layer));
  const grid = el('div', {class: 'grid'});
  node.append(el('div', {class: 'controls'}, select), label, grid);
  const none = (title, note) => ({title, note, empty: true});
  charts.push(figure(grid, () => layer.activations === null ? none('Activations', 'No finite value was seen.') : histogram({
    title: 'Activations', unit: 'value of an output element', series: 0, histogram: layer.activations, clip: layer.clip,
    note: layer.clip ? `${format.count(layer.activations.values)} values of ${plural(data.layers.samples, 'sample')}, ${format.count(layer.clip.clipped)} clipped; int8 covers ${format.real(layer.clip.min)} to ${format.real(layer.clip.max)}.` : 'This output stays float: nothing is clipped.',
    label: `Histogram of the outputs of ${layerTitle(layer)}, from ${format.real(layer.activations.min)} to ${format.real(layer.activations.max)}${layer.clip ? `; int8 covers ${format.real(layer.clip.min)} to ${format.real(layer.clip.max)}` : ''}.`})));
  charts.push(figure(grid, () => {
    if (!layer.weights || !layer.weights.histogram) return none('Weights', 'This layer has no int8 weights.');
    const {histogram: spread, channel_limit: limit} = layer.weights;
    const widest = Math.max(...limit);
    return histogram({title: 'Weights', unit: 'weight', series: 2, histogram: spread, clip: null,
      note: `${format.count(spread.values)} weights of ${plural(limit.length, 'channel')}. Each channel has its own range (below); the widest reaches ${format.real(widest)} either way.`,
      label: `Histogram of the weights of ${layerTitle(layer)}, from ${format.real(spread.min)} to ${format.real(spread.max)}.`});
  }));
  charts.push(figure(node, () => layer.weights ? channelRanges(layer) : none('Weight range of each channel', 'This layer has no int8 weights.')));
  const update = () => {
    label.replaceChildren(`${layer.op}, output [${layer.shape.join(', ')}], ${layer.dtype}; `, number(layer.macs, format.short), ' MACs, ', number(layer.parameters, format.short), ' parameters; SQNR ', layer.sqnr_db === null ? 'equal' : number(layer.sqnr_db, format.db), ', cosine ', number(layer.cosine, format.cosine), '.');
    for (const chart of charts) chart.update();
  };
  update();
}

function channelRanges(layer) {
  const {channel_min: low, channel_max: high, channel_limit: limit} = layer.weights;
  const outer = low.length <= 256 ? 2 : 1;
  return {
    title: 'Weight range of each channel',
    note: 'From the smallest to the largest weight of an output channel; the lines are the largest weight that its int8 scale can hold, either way.',
    label: `Range of the weights of each of ${plural(low.length, 'channel')} of ${layerTitle(layer)}, with the limit of its int8 scale.`,
    height: 280,
    columns: [{title: 'channel'}, {title: 'smallest', as: format.real}, {title: 'largest', as: format.real}, {title: 'int8 covers \u00b1', as: format.real}],
    rows: low.map((_, i) => [i, low[i], high[i], limit[i]]),
    config: (colors, narrow) => {
      const line = (data, more) => ({data, stepped: 'middle', pointRadius: 0, borderWidth: outer, ...more});
      return {
        type: 'line',
        data: {labels: low.map((_, i) => i), datasets: [
          line(high, {label: 'weights', color: colors.series[2], borderColor: colors.series[2], backgroundColor: colors.series[2] + '55', fill: '+1'}),
          line(low, {borderColor: colors.series[2]}),
          line(limit, {label: 'covered by int8', color: colors.series[1], borderColor: colors.series[1], backgroundColor: colors.series[1], borderDash: [5, 3]}),
          line(limit.map((y, x) => ({x, y: -y})), {borderColor: colors.series[1], borderDash: [5, 3], mirrored: true}),
        ]},
        options: {
          interaction: {mode: 'index', intersect: false},
          scales: {x: axis(colors, 'output channel', null, {ticks: {maxTicksLimit: narrow ? 6 : 12}}), y: axis(colors, 'weight', format.real)},
          plugins: {legend: legend(colors), tooltip: tooltip(colors, {title: (items) => `channel ${items[0].dataIndex}`,
            label: (item) => `${['largest', 'smallest', 'int8 up to', 'int8 from'][item.datasetIndex]}: ${format.real(item.parsed.y)}`})},
        },
      };
    },
  };
}

function convertMemory() {
  const plans = [['float32', 0], ['int8', 1]].filter(([name]) => data.plans[name]).map(([name, series]) => ({name, series, ...data.plans[name]}));
  const node = section('memory', 'Memory over time', `As planned for one thread on ${plans[0].isa}; inputs and outputs of the model lie outside of the arena.`);
  figure(node, memorySteps(plans));
  const grid = el('div', {class: 'grid'});
  node.append(grid);
  for (const plan of plans) figure(grid, arenaMap(plan));
}

function convertAppendix(layers) {
  const {quantization, calibration} = data;
  const node = section('details', 'Everything else');
  if (layers.length) {
    const details = el('details', {}, el('summary', {}, 'All layers'));
    details.append(scrolling(table([{title: 'layer'}, {title: 'operator', text: true}, {title: 'fused into', text: true}, {title: 'output', text: true}, {title: 'type', text: true}, {title: 'MACs', as: format.short}, {title: 'parameters', as: format.short}, {title: 'SQNR', as: format.db}, {title: 'cosine', as: format.cosine}, {title: 'SQNR alone', as: format.db}, {title: 'clipped', as: format.count}, {title: 'share clipped', as: format.digits}, {title: 'range used', as: format.digits}, {title: 'largest sum', as: format.short}, {title: 'channels', as: format.plain}, {title: 'safe in pairs', as: format.plain}],
      layers.map((l) => [l.name, l.op, l.block ? `${l.block} (${l.part})` : '\u2013', l.shape.join('\u00d7'), l.dtype, l.macs, l.parameters, l.sqnr_db, l.cosine, l.local_sqnr_db, l.clip && l.clip.clipped, l.clip && l.clip.clipped_share, l.clip && l.clip.range_use, l.saturation && l.saturation.largest_sum, l.saturation && l.saturation.channels, l.saturation && l.saturation.pair_safe_channels])), 'All layers'));
    node.append(el('div', {class: 'card'}, details));
  }
  if (quantization) {
    const details = el('details', {}, el('summary', {}, 'Scale and zero point of every activation'));
    details.append(scrolling(table([{title: 'value'}, {title: 'range from', as: format.real}, {title: 'to', as: format.real}, {title: 'scale', as: format.real}, {title: 'zero point', as: format.plain}],
      quantization.activations.map((a) => [a.name, a.min, a.max, a.scale, a.zero_point])), 'Activations'));
    node.append(el('div', {class: 'card'}, details));
    if (quantization.kept_float.length) {
      card(node, 'Operators that stay float', table([{title: 'name'}, {title: 'operator', text: true}, {title: 'reason', text: true}], quantization.kept_float.map((k) => [k.name, k.op, k.reason])));
    }
  }
  const grid = el('div', {class: 'grid pairs'});
  node.append(grid);
  card(grid, 'Files and hashes', properties({model: data.model, options: data.options, source: data.source, output: data.output}, ['source.notes']));
  card(grid, 'Passes', table([{title: 'pass'}, {title: 'what', text: true}, {title: 'times'}], data.passes.map((p) => [p.name, p.what, p.count])));
  if (quantization) card(grid, 'Quantisation', properties(quantization, ['kept_float', 'activations']));
  if (calibration) card(grid, 'Calibration', properties(calibration, ['failures']));
  card(grid, 'Inputs and outputs', properties({inputs: data.inputs, outputs: data.outputs, preprocessing: data.preprocessing, labels: data.labels}));
  card(grid, 'Operators in the file', properties(data.operators));
  card(grid, 'Seconds of each stage', table([{title: 'stage'}, {title: 'time', as: format.seconds}], Object.entries(data.seconds)));
  const remarks = [...data.warnings, ...data.source.notes, ...(calibration ? calibration.failures.map((f) => `skipped: ${f.message}`) : [])];
  if (remarks.length) card(node, 'Warnings and notes', el('ul', {class: 'plain'}, remarks.map((text) => el('li', {}, text))));
}

({qbench: showQbench, growth: showGrowth, accuracy: showAccuracy, qconvert: showQconvert})[data.tool]();
