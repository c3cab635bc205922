# Print how often each word of a text occurs:  sh count.sh TEXT
set -eu
LC_ALL=C tr -cs 'A-Za-z' '\n' <"$1" | tr 'A-Z' 'a-z' | LC_ALL=C sort | uniq -c |
    awk '$2 != "" { print $2, $1 }'
