# Has the host itself stop the idle slot after $keep_for_s seconds, with systemd after those that `setup` was told;
# no deployer waits. Input: expire.sh for that day. Prints `expires SECONDS`: the time that holds.
# Leaves slots/SLOT.expire and a timer; one of before is replaced, and does nothing once its JVM is gone.
expire=$(cat)
under_lock
same_route
mkdir -p "$base/slots"
printf '%s\n' "$expire" >"$base/slots/.$slot.expire.new"
mv -fT "$base/slots/.$slot.expire.new" "$base/slots/$slot.expire"
slot_expires "$slot"
