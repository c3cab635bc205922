cwlVersion: v1.2
class: CommandLineTool
doc: Add up the counts of all parts.
inputs:
  parts: {type: "File[]", inputBinding: {}}
outputs:
  joined: {type: stdout}
baseCommand: [sh, -c, 'cat "$@" | awk "{ n[\$2] += \$1 } END { for (w in n) print n[w], w }" | sort -k1,1nr -k2', join]
stdout: joined.txt
