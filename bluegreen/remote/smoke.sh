# Requests each path of $paths (one a line) $times times from the slot itself; a path that gives no answer only once.
# Takes: port paths times answer_s https
# Uses: slot_request
# Prints the fact `answer.NUMBER` with `CODE MS PATH` for each request.

[ -z "$https" ] || proto=https
number=0
printf '%s\n' "$paths" | while IFS= read -r path; do
    count=0
    while [ "$count" -lt "$times" ]; do
        count=$((count + 1))
        fetch_slot "$port" "$path" "$answer_s"
        number=$((number + 1))
        fact "answer.$number" "$code $took_ms $path"
        [ "$code" != 000 ] || break
    done
done
