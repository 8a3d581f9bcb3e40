# Reads the state of the app on this host; changes nothing.
# Takes: base slots include nginx listen health_path root_installed verify look_answer_s
# Uses: lib ours route view supervisor as_root
# Prints facts; only those above the first `exit` if tools are missing.

fact user "$(id -un)"
fact home "${HOME:-}"
fact now "$(epoch_s)"
fact manager "$(package_manager)"
missing=
for tool in curl flock sha256sum setsid timeout base64 awk find dd; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
fact missing "$missing"
[ -z "$missing" ] || exit 0

existing=$base
until [ -d "$existing" ]; do existing=$(dirname "$existing"); done
fact disk_free_kb "$(df -Pk "$existing" | awk 'NR == 2 { print $4 }')"
fact memory_available_kb "$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)"
writable=
[ ! -w "$existing" ] || writable=yes
fact writable "$writable"

fact include "$(cat "$include" 2>/dev/null || :)"
fact marker "$(marker_now)"
fact route "$(route_now)"
eval "set -- $nginx"
# nginx -v prints on stderr.
fact nginx "$("$1" -v 2>&1 | sed -n 's|.*nginx/\([0-9.]*\).*|\1|p')"
# Which slot an upstream group leads to is in our own lines, else only in the configuration of nginx.
if ! grep -q '# bluegreen: begin' "$include" 2>/dev/null && [ -z "$(slot_of_include)" ]; then
    as_root examine "${slots%%:*}" 2>/dev/null || :
fi
answering_slot
fact through.slot "$answering"
case $front in https:*) fact through.front "$front" ;; esac
[ -n "$answering" ] || fact through.server "$(web_server)"
fact through.listens "$(port_inodes "$listen" | head -n 1)"
code=$verify_code body=$verify_body redirect=$verify_redirect
print_view "$verify_named"
for entry in $slots; do
    slot=${entry%%:*}
    port=${entry#*:}
    health_port=${port#*:}
    port=${port%%:*}
    pid=$(slot_pid "$slot")
    fact "slot.$slot.pid" "$pid"
    fact "slot.$slot.release" "$(basename "$(readlink "$base/slots/$slot" 2>/dev/null || :)")"
    ! slot_boots "$slot" || fact "slot.$slot.boots" yes
    jvm=$pid
    owner=$(port_owner "$port")
    if [ -n "$owner" ]; then
        # The memory of a `java` that is a wrapper script says nothing of the JVM below it.
        if [ -n "$pid" ] && owned_by "$port" "$pid"; then jvm=$owner owner=$pid; fi
        fact "slot.$slot.owner" "$owner"
        if [ "$owner" != '?' ]; then
            if is_ours "$owner" "$slot"; then
                fact "slot.$slot.ours" yes
                jvm=${jvm:-$owner}
            fi
            fact "slot.$slot.unit" "$(unit_of_process "$owner")"
            fact "slot.$slot.command" "$(command_of "$owner")"
            fact "slot.$slot.owner_user" "$(stat -c %U "/proc/$owner" 2>/dev/null || :)"
        fi
        [ -n "$verify_named" ] || own_answer "$slot" "$port" "$verify"
        fetch_slot "$health_port" "$health_path" "$look_answer_s"
        fact "slot.$slot.code" "$code"
        fact "slot.$slot.redirect" "$redirect"
        fact "slot.$slot.took_ms" "$took_ms"
        fact "slot.$slot.body" "$body"
    fi
    [ -z "$jvm" ] || fact "slot.$slot.memory_kb" "$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$jvm/status" 2>/dev/null || :)"
done

fact through.proto "$proto"
if [ -r "$root_installed" ]; then
    fact root_script "$(sha256sum <"$root_installed" | cut -d' ' -f1)"
fi
for folder in "$base"/releases/*/; do
    [ ! -f "$folder/release.json" ] || fact "release.$(basename "$folder")" "$(cat "$folder/release.json")"
done
# The last lines, and each older one that names a release that is here: retention must know what became of them.
releases_here() {
    for folder in "$base"/releases/*/; do
        folder=${folder%/}
        say "${folder##*/}"
    done
}
fact history "$(releases_here | awk '
    step == 1 { here[$0] = 1; next }
    step == 2 { lines++; next }
    FNR > lines - 500 { print; next }
    {
        count = split($0, word, "\"")
        for (n = 1; n <= count; n++) if (word[n] in here) { print; next }
    }' step=1 - step=2 "$base/history.jsonl" step=3 "$base/history.jsonl" 2>/dev/null || :)"
# A shared lock, held for an instant: a deployer that asks meanwhile retries (lock.sh).
if [ -e "$base/lock" ] && ! (flock -n -s 9) 9<"$base/lock"; then
    fact lock "$(cat "$base/lock")"
fi
