# Makes a release of the jar on its input, whole and checked, or leaves nothing. Requires sha256sum.
# Takes: base id sha256 size same facts
# Uses: step
# Prints the fact `stored`, or `linked` if the host already had the same bytes in the release $same.
# Leaves releases/ID/. Exit 65: the bytes that arrived have another checksum.

under_lock
exec 8>&-
[ ! -e "$base/releases/$id" ] || fail 1 "the release $id is already on the host"
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
# For cat an upload cut short ends like any other: only the checksum shows it.
[ "$found" = "$sha256" ] || fail 65 "$(stat -c %s "$partial/app.jar") of $size bytes arrived, with another sha256"
printf '%s\n' "$facts" >"$partial/release.json"
chmod 0444 "$partial/app.jar" "$partial/release.json"
sync "$partial/app.jar" "$partial/release.json"
under_lock
mv -T "$partial" "$base/releases/$id"
trap - EXIT
if [ -n "$same" ]; then fact linked yes; else fact stored yes; fi
