cwlVersion: v1.2
class: CommandLineTool
doc: Sort counted words by their number, the largest first.
inputs:
  counts: {type: File, inputBinding: {}}
outputs:
  ordered: {type: stdout}
baseCommand: [sort, "-k1,1nr", -k2]
stdout: ordered.txt
