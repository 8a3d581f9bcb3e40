# Asks each path of $paths (one a line) $times times on the slot itself.
# Prints `path CODE MS PATH` for the last answer of each, or the first that is not 2xx.
printf '%s\n' "$paths" | while IFS= read -r path; do
    count=0
    while [ "$count" -lt "$times" ]; do
        count=$((count + 1))
        fetch "http://127.0.0.1:$port$path" "" 30
        case $code in 2??) ;; *) break ;; esac
    done
    say "path $code $took_ms $path"
done
