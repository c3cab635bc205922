# Keep the columns named in `wanted` (separated by commas) of the rows that have all of them.
#
#   awk -F, -v wanted=species,body_mass_g -f clean.awk TABLE

NR == 1 {
    count = split(wanted, names, ",")
    for (i = 1; i <= NF; i++) column[$i] = i
    for (i = 1; i <= count; i++) if (!(names[i] in column)) {
        print FILENAME ": no column " names[i] > "/dev/stderr"
        exit 1
    }
}
{
    line = ""
    missing = 0
    for (i = 1; i <= count; i++) {
        value = $(column[names[i]])
        if (value == "NA" || value == "") missing = 1
        line = line (i > 1 ? "," : "") value
    }
    if (!missing) print line
}
