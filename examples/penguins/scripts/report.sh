# Print the mean accuracy and F1 of each configuration, the best first:  sh report.sh RESULTS
set -eu
printf '%-20s %9s %9s %6s\n' configuration accuracy f1 folds
awk -F, '
    NR > 1 { folds[$1]++; accuracy[$1] += $5; f1[$1] += $6 }
    END {
        for (name in folds)
            printf "%-20s,%10.4f,%10.4f,%7d\n", name, accuracy[name] / folds[name], f1[name] / folds[name], folds[name]
    }' "$1" | LC_ALL=C sort -t, -k2,2nr -k3,3nr -k1,1 | tr -d ,
