# Starts a release in the idle slot. Input: the environment as lines NAME="value", secrets included.
# Takes: base slot port release route command adopt live
# Uses: step route stopping workdir supervisor_steps
# Prints the facts of stop.sh for a JVM of ours that it stopped first, those of workdir.sh, then `started` with the pid.
# Leaves the slot's link, the working directory and the JVM. Exit 77: another process holds the port.

environment=$(cat)
under_lock
same_route "$route"
[ -f "$base/releases/$release/app.jar" ] || fail 1 "the release $release is not on the host"
make_workdir "$adopt"
slot_stop_ours "$slot" "$port"
# The stop may have taken long, and the deployer may have lost the lock.
still_ours
owner=$(port_owner "$port")
case $owner in
'') ;;
'?') fail 77 "port $port is held by a process of another user" ;;
# Its command line may contain secrets, so it is not shown here (P10).
*) fail 77 "port $port is held by pid $owner; to see it, on the machine: tr '\\0' ' ' </proc/$owner/cmdline" ;;
esac
gather "$live"
mkdir -p "$base/slots"
rm -f "$base/slots/.$slot.new"
ln -s "../releases/$release" "$base/slots/.$slot.new"
mv -fT "$base/slots/.$slot.new" "$base/slots/$slot"
eval "set -- $command"
started_pid=$(slot_start "$slot" "$release" "$environment" "$@")
# Should the memory not suffice, the kernel ends this JVM and not the one that serves.
prefer_as_victim "$started_pid"
fact started "$started_pid"
