# Print the N most frequent words of some counts, added up:  sh merge.sh N COUNTS...
set -eu
most=$1
shift
awk '{ total[$1] += $2 } END { for (word in total) print total[word], word }' "$@" |
    LC_ALL=C sort -k1,1nr -k2,2 | head -n "$most"
