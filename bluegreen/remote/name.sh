# Asks $slot on its own port for the verify path. Where it does not name the slot, the live one is asked too: if
# that one does, the path is the application's, and is broken; else nginx alone answers it, or nobody does.
# Prints nothing if all is well or cannot be told, else `broken CODE BODY`.
names_itself() {
    fetch "http://127.0.0.1:$2$verify" "$server_name" "$answer_s"
    answering=
    slot_of_answer "$body"
    [ "$answering" = "$1" ]
}
if ! names_itself "$slot" "$port"; then
    broken="broken $code"
    broken_body=$(printf '%s' "$body" | head -c 200)
    ! names_itself "$live" "$live_port" || fact "$broken" "$broken_body"
fi
