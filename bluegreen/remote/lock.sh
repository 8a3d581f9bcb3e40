# Takes the lock of the app on this host and holds it while its input lives. Needs: flock, timeout, dd.
# Prints `held`, or `busy` and the holder's line; exit 4 if busy. Leaves nothing held behind it: the kernel
# frees the lock when this shell ends, for whatever reason. The deployer sends a dot every few seconds; a
# network that dies without a word is noticed after $silence seconds.
mkdir -p "$base" || fail 1 "cannot make the folder $base on the host"
exec 9>>"$base/lock"
tries=0
until flock -n 9; do
    tries=$((tries + 1))
    if [ "$tries" -gt 10 ]; then
        say busy
        cat "$base/lock" 2>/dev/null || :
        exit 4
    fi
    sleep 0.05
done
# lock.step names who took it last: what is taken $again must have been nobody else's in between.
last=
read -r last _ 2>/dev/null <"$base/lock.step" || :
[ -z "$again" ] || [ "$last" = "$token" ] || fail 75 "another deploy held it while the connection was away"
# Written in place and of one width: on a full disk the lock can still be taken, to roll back.
printf '%-1023s\n' "$token $info" 1<>"$base/lock" || fail 1 "cannot write $base/lock"
printf '%-63s\n' "$token" 2>/dev/null 1<>"$base/lock.step" || :
exec 8>>"$base/lock.step"
flock -w 60 8 || fail 1 "an earlier step still runs on this host and did not end within 60 s"
exec 8>&-
say held
while timeout "$silence" dd bs=1 count=1 2>/dev/null 9>&- | grep -q . 9>&-; do :; done
printf '%-1023s\n' '' 1<>"$base/lock"
