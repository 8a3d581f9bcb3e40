# Starts a release in the idle slot. Input: the environment as lines NAME="value", secrets included.
# Takes: base slot port release route command
# Uses: step route stopping supervisor_steps
# Prints the facts of stop.sh for a JVM of ours that it stopped first, then `started` with the pid.
# Leaves the slot's link and its JVM. Exit 77: another process holds the port.

environment=$(cat)
under_lock
same_route "$route"
[ -f "$base/releases/$release/app.jar" ] || fail 1 "the release $release is not on the host"
slot_stop_ours "$slot" "$port"
# The stop may have taken long, and the deployer may have lost the lock.
still_ours
owner=$(port_owner "$port")
[ -z "$owner" ] || fail 77 "port $port is held by pid $owner: $(command_of "$owner")"
mkdir -p "$base/slots"
rm -f "$base/slots/.$slot.new"
ln -s "../releases/$release" "$base/slots/.$slot.new"
mv -fT "$base/slots/.$slot.new" "$base/slots/$slot"
eval "set -- $command"
started_pid=$(slot_start "$slot" "$base/releases/$release" "$environment" "$@")
fact started "$started_pid"
