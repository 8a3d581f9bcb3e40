# Asks $slot on its own port for the verify path. If the answer does not name the slot, it asks the live slot too: if
# that one names itself, the new version broke the path; else nginx alone answers it, or nobody does.
# Takes: slot port live live_port verify server_name answer_s
# Uses: through_nginx
# Prints the fact `broken` with `CODE BODY`; nothing if the slot names itself or that cannot be known.

names_itself() {
    fetch "http://127.0.0.1:$2$verify" "$server_name" "$answer_s"
    slot_of_answer "$body"
    [ "$answering" = "$1" ]
}
if ! names_itself "$slot" "$port"; then
    broken="$code $(printf '%s' "$body" | head -c 200)"
    ! names_itself "$live" "$live_port" || fact broken "$broken"
fi
