# Takes the lock of the app on this host and holds it while its input lives. Requires flock, timeout and dd.
# Takes: base token info silence again step_lock_s
# Uses: lib
# Prints the fact `held`, or `busy` with the holder's line; exit 4 if busy. The kernel frees the lock when this shell
# ends, for whatever reason. The deployer sends a byte every few seconds; after $silence seconds without one it ends.

mkdir -p "$base" || fail 1 "cannot make the folder $base on the host"
exec 9>>"$base/lock"
# `status` looks at it for an instant.
flock_within 9 500 || {
    fact busy "$(cat "$base/lock" 2>/dev/null || :)"
    exit 4
}
# lock.step names the last holder: between the loss of a lock and taking it $again nobody else may have held it.
last=
read -r last _ 2>/dev/null <"$base/lock.step" || :
[ -z "$again" ] || [ "$last" = "$token" ] || fail 75 "another deploy held the lock while the connection was away"
# Written in place and always of one width: the lock can be taken on a full disk too, for a rollback.
printf '%-1023s\n' "$token $info" 1<>"$base/lock" || fail 1 "cannot write $base/lock"
printf '%-63s\n' "$token" 2>/dev/null 1<>"$base/lock.step" || :
exec 8>>"$base/lock.step"
flock_within 8 $((step_lock_s * 1000)) || fail 1 "an earlier step still runs on this host and did not end within $step_lock_s s"
exec 8>&-
fact held yes
while timeout "$silence" dd bs=1 count=1 2>/dev/null 9>&- | grep -q . 9>&-; do :; done
printf '%-1023s\n' '' 1<>"$base/lock"
