cwlVersion: v1.2
class: CommandLineTool
doc: Count the words of every eighth line, from a line on.
inputs:
  text: {type: File, inputBinding: {position: 2}}
  part: {type: int, inputBinding: {position: 1}}
outputs:
  counts: {type: stdout}
baseCommand: [sh, -c, 'sed -n "$1~8p" "$2" | tr -cs "A-Za-z" "\n" | tr A-Z a-z | sort | uniq -c', count]
stdout: counts.txt
