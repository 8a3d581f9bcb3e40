# Reads what `setup` would change, as root; changes nothing. Input: paths of files, one a line.
# Takes: base slots include user sums
# Uses: lib ours route through_nginx supervisor nginx_config java
# Prints facts: the package manager, versions, and of each file its text, its recorded checksum and the parts of its
# path that the deploying user may write.

fact manager "$(package_manager)"
fact nginx "$(nginx -v 2>&1 | sed -n 's|.*nginx/\([0-9.]*\).*|\1|p' || :)"
# As the user, like each deploy: java.bin may be a file of theirs.
find_java runuser -u "$user" --
fact java.path "$java_path"
fact java.version "$(java_version "$java_path" runuser -u "$user" --)"
! command -v nginx >/dev/null 2>&1 || fact nginx.config "$(configuration)"
missing=
for tool in curl flock sudo visudo nginx; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
[ -n "$java_path" ] || missing="$missing java"
fact missing "$missing"
fact user "$(id -u "$user" 2>/dev/null || :)"
fact base.owner "$(stat -L -c %U "$base" 2>/dev/null || :)"
if runuser -u "$user" -- test -w "$base" 2>/dev/null; then fact base.writable yes; fi
# A missing include is written for the slot that serves: the one that answers through nginx, which still uses the file
# it read; else the one of the marker, else the one that a boot would start, else the one that runs.
serving=
if [ ! -e "$include" ]; then
    answering_slot
    marked=$(marker_now)
    case $marked in none | *,*) marked= ;; esac
    booting=
    listening=
    for entry in $slots; do
        each=${entry%%:*}
        each_port=${entry#*:}
        ! slot_boots "$each" || booting=$booting$each
        [ -z "$(port_inodes "${each_port%%:*}")" ] || listening=$listening$each
    done
    for candidate in "$listening" "$booting" "$marked" "$answering"; do
        case " $slots" in *" $candidate:"*) serving=$candidate ;; esac
    done
fi
fact serving "$serving"
# Debian's default site claims the port for every name; setup removes it only if nobody changed it.
default_site=
if [ -e /etc/nginx/sites-enabled/default ]; then
    default_site=changed
    packaged=$(dpkg-query -W -f '${Conffiles}' nginx-common 2>/dev/null | awk '$1 == "/etc/nginx/sites-available/default" { print $2 }')
    if [ -n "$packaged" ] && [ "$(md5sum </etc/nginx/sites-enabled/default | cut -d' ' -f1)" = "$packaged" ]; then
        default_site=packaged
    elif grep -Eq '^[^#]*listen[^#;]*default_server' /etc/nginx/sites-enabled/default; then
        default_site=claims
    fi
fi
fact default_site "$default_site"
number=0
while IFS= read -r path; do
    number=$((number + 1))
    fact_file "$number" "$path"
    [ ! -e "$path" ] || fact "file.$number.text" "$(cat "$path")"
    [ "$user" = root ] || fact "file.$number.users" "$(users_of "$path" runuser -u "$user" --)"
    fact "file.$number.recorded" "$(awk -v path="$path" '$2 == path { print $1 }' "$sums" 2>/dev/null || :)"
done
