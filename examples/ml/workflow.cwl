cwlVersion: v1.2
class: Workflow
label: How large a network tells the penguins apart?
doc: |
  Trains several small networks on measurements of penguins, judges each by animals that it has not
  seen, and picks the best.
requirements:
  ScatterFeatureRequirement: {}
  SubworkflowFeatureRequirement: {}
  SchemaDefRequirement:
    types: [{$import: types.yml}]
inputs:
  table:
    type: File
    doc: The penguins, one a row.
  seed:
    type: int
    doc: For the deal of the animals, and the first weights.
    default: 1
  share:
    type: float
    default: 0.25
  variants:
    type:
      type: array
      items: types.yml#variant
steps:
  prepare:
    run: tools/prepare.cwl
    in: {table: table, seed: seed, share: share}
    out: [train, test]
  sweep:
    run: variant.cwl
    scatter: variant
    in: {train: prepare/train, test: prepare/test, variant: variants, seed: seed}
    out: [model, score]
  pick:
    run: tools/pick.cwl
    in: {models: sweep/model, scores: sweep/score}
    out: [best, leaderboard]
outputs:
  model:
    type: File
    doc: The best network.
    outputSource: pick/best
  leaderboard:
    type: File
    doc: A line for each variant, the best first.
    outputSource: pick/leaderboard
