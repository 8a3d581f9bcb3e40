# Asks each path of $paths (one a line) $times times on the slot itself; one that gives no answer only once.
# Prints `path CODE MS PATH` for each request.
printf '%s\n' "$paths" | while IFS= read -r path; do
    count=0
    while [ "$count" -lt "$times" ]; do
        count=$((count + 1))
        fetch "http://127.0.0.1:$port$path" "" 30
        say "path $code $took_ms $path"
        [ "$code" != 000 ] || break
    done
done
