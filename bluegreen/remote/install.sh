# Writes files as root, all or none: it restores the previous files if nginx, sudo or systemd rejects the new ones.
# Takes: user base sums runtime tmpfiles drop_default_site disable copies
# Uses: lib
# Input: a line MODE CHECKSUM BASE64 PATH for each file. Prints the fact `wrote.NUMBER` with each path.
# Leaves the files, the folder $base, the checksums in $sums, and below $copies what it replaced or disabled ($disable).

umask 022
work=$(mktemp -d)
written=
finished=
: >"$work/sums"
restore() {
    # shellcheck disable=SC2086 # numbers
    for number in $written; do
        read -r path <"$work/$number.path"
        if [ -e "$work/$number.before" ]; then
            cp -p "$work/$number.before" "$path.bluegreen-before" && mv -fT "$path.bluegreen-before" "$path"
        else
            rm -f "$path"
        fi
    done
    [ ! -e "$work/default_site" ] || cp -P "$work/default_site" /etc/nginx/sites-enabled/default
    if [ -e "$work/disabled" ] || [ -L "$work/disabled" ]; then cp -pP "$work/disabled" "$disable"; fi
    [ -z "$written" ] || systemctl daemon-reload
}
trap '[ -n "$finished" ] || restore; rm -rf "$work"' EXIT
trap '' INT TERM
mkdir -p "$(dirname "$sums")"
# warnings: prints the names that nginx ignores, as another server has them already.
warnings() { nginx -t 2>&1 | grep 'conflicting server name' | sort || :; }
warned=$(warnings)
# keep_copy PATH: keeps the file, and never replaces an earlier copy.
keep_copy() {
    [ -n "$copies" ] && [ ! -e "$copies$1" ] || return 0
    mkdir -p "$(dirname "$copies$1")"
    cp -p "$1" "$copies$1"
    fact "copied.$number" "$copies$1"
}
number=0
while read -r mode checksum encoded path; do
    number=$((number + 1))
    printf '%s\n' "$path" >"$work/$number.path"
    mkdir -p "$(dirname "$path")"
    if [ -e "$path" ]; then
        cp -p "$path" "$work/$number.before"
        keep_copy "$path"
    fi
    fresh=$(dirname "$path")/.bluegreen-new
    rm -f "$fresh"
    if ! { printf '%s' "$encoded" | base64 -d >"$fresh" && chown root:root "$fresh" && chmod "$mode" "$fresh"; }; then
        rm -f "$fresh"
        fail 1 "cannot write $path (disk full?)"
    fi
    case $path in
    */sudoers.d/*) checked=$(visudo -c -f "$fresh" 2>&1) || { rm -f "$fresh"; fail 1 "visudo rejects it: $checked"; } ;;
    esac
    written="$written $number"
    mv -fT "$fresh" "$path"
    printf '%s %s\n' "$checksum" "$path" >>"$work/sums"
done
if [ -n "$drop_default_site" ]; then
    cp -P /etc/nginx/sites-enabled/default "$work/default_site"
    rm -f /etc/nginx/sites-enabled/default
fi
systemd-tmpfiles --create "$tmpfiles" 2>/dev/null || mkdir -p "$runtime"
if [ -n "$disable" ]; then
    number=$((number + 1))
    keep_copy "$disable"
    cp -pP "$disable" "$work/disabled"
    rm -f "$disable"
fi
tested=$(nginx -t 2>&1) || fail 1 "nginx rejects the configuration: $tested"
[ "$(warnings)" = "$warned" ] || fail 1 "another site has this name, and nginx would ignore one of them: $(warnings)"
systemctl daemon-reload
# Made by the user, and by root only where no folder above is the user's: root would create what their links point to.
above_is_users() { [ "$user" != root ] && [ -n "$(users_of "$base" runuser -u "$user" --)" ]; }
[ -d "$base" ] || runuser -u "$user" -- mkdir -p "$base" 2>/dev/null ||
    { ! above_is_users && install -d -o "$user" -g "$(id -gn "$user")" -m 0755 "$base"; } ||
    fail 1 "$user cannot make the folder $base"
nginx -s reload 2>/dev/null || output=$(systemctl start nginx 2>&1) || fail 1 "nginx does not start: $output
$(journalctl --quiet --no-pager --output cat --lines 10 --unit nginx.service 2>/dev/null || :)"
systemctl --quiet enable nginx 2>/dev/null || :
[ ! -s "$sums" ] ||
    awk -v fresh="$work/sums" 'FILENAME == fresh { seen[$2] = 1; next } !($2 in seen)' "$work/sums" "$sums" >"$work/kept"
cat "$work/sums" "$work/kept" 2>/dev/null >"$sums.new" || :
mv -fT "$sums.new" "$sums"
finished=yes
# shellcheck disable=SC2086
for number in $written; do
    read -r path <"$work/$number.path"
    fact "wrote.$number" "$path"
done
