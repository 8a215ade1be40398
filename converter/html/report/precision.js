// Single layers in int8 or in float, and what a goal kept float: a part of qconvert's report.

function precisionParts() {
  const {sensitivity, precision, speed} = data;
  if (!sensitivity && !precision && !speed) return;
  const node = section('precision', 'Layers in int8 and in float', 'What each layer\u2019s quantisation costs at the outputs, on samples that nothing was learnt from; and which layers stay float for the goal that was given.');
  if (precision) keptFloat(node, precision);
  if (sensitivity) oneAtATime(node, sensitivity);
  if (speed) card(node, 'Speed on the machine that converted', properties(speed));
}

function keptFloat(node, precision) {
  const state = (name, judged) => [name, judged.sqnr_db, judged.changed, judged.samples, judged.accuracy, judged.float_accuracy];
  card(node, `${precision.goal}: ${precision.kept.length ? 'kept float' : 'nothing had to stay float'}`, el('div', {},
    precision.kept.length ? el('ul', {class: 'plain'}, precision.kept.map((name) => el('li', {}, name))) : null,
    table([{title: 'model'}, {title: 'SQNR', as: format.db}, {title: 'changed answers', as: format.plain}, {title: 'samples', as: format.plain}, {title: 'accuracy', as: format.percent}, {title: 'in float', as: format.percent}],
      [state('all in int8', precision.before), state('as written', precision.after)]),
    precision.out_of_time ? el('p', {class: 'note'}, 'The time budget ended the search: fewer layers may do.') : null));
}

function oneAtATime(node, sensitivity) {
  const {rows, all} = sensitivity;
  const worst = [...rows].filter((row) => row.alone.sqnr_db !== null).sort((x, y) => x.alone.sqnr_db - y.alone.sqnr_db);
  const without = rows.some((row) => row.without !== null);
  figure(node, manyBars({
    title: 'One layer at a time', what: 'layer', unit: 'dB', as: format.db, absent: 'equal to float', colors: [1, 0],
    note: `SQNR of the outputs with only this layer in int8${without ? ', and with all layers in int8 but this one' : ''}. Layers whose first bar is short cost most.${without && all.sqnr_db !== null ? ' Where the second is long, leaving it in float alone helps.' : ''}`,
    series: without ? ['it alone in int8', 'all but it in int8'] : ['it alone in int8'],
    rows: rows.map((row) => ({label: row.name, values: [row.alone.sqnr_db, ...(without ? [row.without.sqnr_db] : [])],
      more: [row.op, row.alone.changed, row.cost.float_us, row.cost.int8_us, row.cost.breakup_us, row.measured.float_us, row.measured.int8_us, row.kept_float ? 'float' : 'int8']})),
    more: [{title: 'operator', text: true}, {title: 'answers changed by it', as: format.plain}, {title: 'modelled, float', as: format.us}, {title: 'int8', as: format.us}, {title: 'its block coming apart', as: format.us}, {title: 'measured, float', as: format.us}, {title: 'int8', as: format.us}, {title: 'written in', text: true}],
    label: `Signal to quantisation noise at the outputs for ${plural(rows.length, 'layer')}, one at a time.${worst.length ? ` The lowest is ${worst[0].name} with ${format.db(worst[0].alone.sqnr_db)}.` : ''}`,
  }));
}
