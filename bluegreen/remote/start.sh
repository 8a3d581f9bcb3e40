# Starts a release in the idle slot. Input: the environment as lines NAME="value", secrets among them.
# Prints `stopped PID MS` for a JVM of ours that was in the way, then `started PID`.
# Leaves the slot's link and its JVM. Exit 77: another's process holds the port.
environment=$(cat)
under_lock
same_route
[ -f "$base/releases/$release/app.jar" ] || fail 1 "the release $release is not on the host"
slot_stop_ours "$slot" "$port"
# That may have taken long, and nobody may wait for the new one any more.
still_ours
owner=$(port_owner "$port")
[ -z "$owner" ] || fail 77 "port $port is held by pid $owner: $(command_of "$owner")"
mkdir -p "$base/slots"
rm -f "$base/slots/.$slot.new"
ln -s "../releases/$release" "$base/slots/.$slot.new"
mv -fT "$base/slots/.$slot.new" "$base/slots/$slot"
eval "set -- $command"
started_pid=$(slot_start "$slot" "$base/releases/$release" "$@")
say "started $started_pid"
