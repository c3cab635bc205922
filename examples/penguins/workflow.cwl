cwlVersion: v1.2
class: Workflow
label: Which model tells the penguins apart?
doc: |
  Cross-validates several models on measurements of penguins, chooses the one with the best
  mean accuracy, trains it on all animals, and draws the comparison.
requirements:
  InlineJavascriptRequirement: {}
  ScatterFeatureRequirement: {}
  SubworkflowFeatureRequirement: {}
  SchemaDefRequirement:
    types: [{$import: types.yml}]
inputs:
  table:
    type: File
    doc: The penguins, one a row.
  columns:
    type: string[]
    doc: The column to predict, and the measurements to predict it from.
    default: [species, bill_length_mm, bill_depth_mm, flipper_length_mm, body_mass_g]
  folds:
    type: int
    default: 5
  seed:
    type: int
    doc: For the assignment of animals to folds.
    default: 1
  configurations:
    type:
      type: array
      items: types.yml#configuration
  good_enough:
    type: float
    doc: A final model is trained only when the best mean accuracy reaches this.
    default: 0.9
steps:
  clean:
    run: tools/clean.cwl
    in: {table: table, columns: columns}
    out: [complete]
  split:
    run: tools/split.cwl
    in: {table: clean/complete, folds: folds, seed: seed}
    out: [train, test]
  pair:
    run: tools/pair.cwl
    in: {train: split/train, test: split/test}
    out: [folds]
  evaluate:
    run: evaluate.cwl
    scatter: [configuration, fold]
    scatterMethod: flat_crossproduct
    in: {configuration: configurations, fold: pair/folds}
    out: [score]
  summarise:
    run: tools/summarise.cwl
    in: {scores: evaluate/score}
    out: [results, summary]
  figure:
    run: tools/figure.cwl
    in: {summary: summarise/summary}
    out: [figure]
  report:
    run: tools/report.cwl
    in: {results: summarise/results}
    out: [report]
  choose:
    run: tools/choose.cwl
    in: {summary: summarise/summary}
    out: [configuration, accuracy]
  retrain:
    run: tools/train.cwl
    when: $(inputs.accuracy >= inputs.good_enough)
    in:
      configuration: choose/configuration
      table: clean/complete
      accuracy: choose/accuracy
      good_enough: good_enough
    out: [model]
outputs:
  model:
    type: File?
    doc: The best model, trained on all animals.
    outputSource: retrain/model
  best:
    type: types.yml#configuration
    outputSource: choose/configuration
  accuracy:
    type: float
    outputSource: choose/accuracy
  figure:
    type: File
    outputSource: figure/figure
  report:
    type: File
    outputSource: report/report
  results:
    type: File
    doc: One row for each configuration and fold.
    outputSource: summarise/results
  metrics:
    type: File
    doc: Means and deviations for each configuration, the best first.
    outputSource: summarise/summary
