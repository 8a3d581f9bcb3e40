# Prints the last $count lines of a slot's log; with $follow it goes on until nobody listens any more.
trap - PIPE
if [ -z "$follow" ]; then
    slot_log "$slot" "$count"
    exit 0
fi
slot_log_follow "$slot" "$count" &
follower=$!
trap 'kill "$follower" 2>/dev/null' EXIT
# The end of the input is the end of the reader.
cat >/dev/null
