cwlVersion: v1.2
class: Workflow
doc: Words are counted in parts on one cluster, the counts are sorted on another, joined in the cloud, and named here.
requirements:
  ScatterFeatureRequirement: {}
inputs:
  text: File
  parts: int[]
outputs:
  report: {type: File, outputSource: report/report}
steps:
  count:
    run: count.cwl
    scatter: part
    in: {text: text, part: parts}
    out: [counts]
  order:
    run: order.cwl
    scatter: counts
    in: {counts: count/counts}
    out: [ordered]
  join:
    run: join.cwl
    in: {parts: order/ordered}
    out: [joined]
  report:
    run: report.cwl
    in: {joined: join/joined}
    out: [report]
