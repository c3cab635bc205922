# Print 100 divided by a number:  sh divide.sh NUMBER
set -eu
if [ "$1" -eq 0 ]; then
    printf 'divide.sh: cannot divide 100 by %s\n' "$1" >&2
    exit 3
fi
printf '%d\n' $((100 / $1))
