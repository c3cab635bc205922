cwlVersion: v1.2
class: CommandLineTool
doc: Keep the ten most frequent words.
inputs:
  joined: {type: File, inputBinding: {}}
outputs:
  report: {type: stdout}
baseCommand: [head, -n, "10"]
stdout: report.txt
