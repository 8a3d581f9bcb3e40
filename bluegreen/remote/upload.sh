# Takes a jar on its input and makes it a release, whole and checked, or leaves nothing. Needs: sha256sum.
# Prints `stored`, or `linked` when the host held the same bytes already ($same). Leaves releases/<id>/.
under_lock
exec 8>&-
[ ! -e "$base/releases/$id" ] || fail 1 "the release $id is on the host already"
partial=$base/releases/.$id.partial
mkdir -p "$base/releases"
rm -rf "$base"/releases/.*.partial
mkdir "$partial"
trap 'rm -rf "$partial"' EXIT
if [ -n "$same" ]; then
    ln "$base/releases/$same/app.jar" "$partial/app.jar"
else
    cat >"$partial/app.jar"
fi
read -r found _ <<SUM
$(sha256sum "$partial/app.jar")
SUM
# An upload cut short ends like any other for cat: only the checksum tells.
[ "$found" = "$sha256" ] || fail 65 "$(stat -c %s "$partial/app.jar") of $size bytes arrived, with another sha256"
printf '%s\n' "$facts" >"$partial/release.json"
chmod 0444 "$partial/app.jar" "$partial/release.json"
sync "$partial/app.jar" "$partial/release.json"
under_lock
mv -T "$partial" "$base/releases/$id"
trap - EXIT
if [ -n "$same" ]; then say linked; else say stored; fi
