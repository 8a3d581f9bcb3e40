# Prints the last $log_lines lines of a slot's log; with $follow it goes on until its reader disconnects.
# Takes: slot log_lines follow
# Uses: supervisor
# Prints the fact `log`, then the log as it is.

trap - PIPE
fact log ""
if [ -z "$follow" ]; then
    slot_log "$slot" "$log_lines"
    exit 0
fi
slot_log_follow "$slot" "$log_lines" &
follower=$!
trap 'kill "$follower" 2>/dev/null' EXIT
# The input ends when the reader disconnects.
cat >/dev/null
