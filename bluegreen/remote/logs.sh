# Prints the last $count lines of a slot's log; with $follow it goes on until its reader disconnects.
# Takes: slot count follow
# Uses: supervisor
# Prints the fact `log`, then the log as it is.

trap - PIPE
fact log ""
if [ -z "$follow" ]; then
    slot_log "$slot" "$count"
    exit 0
fi
slot_log_follow "$slot" "$count" &
follower=$!
trap 'kill "$follower" 2>/dev/null' EXIT
# The input ends when the reader disconnects.
cat >/dev/null
