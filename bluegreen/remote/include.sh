# Writes the include. It belongs to its owner: ours are the value of one `set` line and the lines from
# `# bluegreen: begin` to `# bluegreen: end`.
# Takes: include runtime block
# Uses: lib

# include_for METHOD VARIABLE TARGET TARGET_1 TARGET_2: prints the include with TARGET as the value of the variable in its
# last `set` line outside of a block, followed by our lines for the two targets if METHOD is instant. Without such a line
# it becomes the first one. All other lines stay as they are. With METHOD markers those of bluegreen 0.1 stay, too.
include_for() {
    # shellcheck disable=SC2016 # awk's own variables and nginx's
    { cat "$include" 2>/dev/null || :; } | env "runtime=$runtime" "block=$block" awk -v method="$1" -v variable="$2" \
        -v target="$3" -v target_1="$4" -v target_2="$5" '
        BEGIN {
            marker = "^[ \t]*if [(]-e \"?" ENVIRON["runtime"] "/"
            deciding = "(^|[ \t;])set[ \t]+[$]" variable "[ \t]+[\"\047]?[^;\"\047 \t]+"
        }
        /^[ \t]*# bluegreen: begin/ { ours = 1 }
        ours { if (/^[ \t]*# bluegreen: end/) ours = 0; next }
        # The lines of bluegreen 0.1, which have no comments around them.
        method != "markers" && $0 ~ marker { next }
        {
            line[++lines] = $0
            # Without quoted strings, references such as ${name} and the comment: what is left has the braces of blocks.
            text = $0
            gsub(/\$\{[^}]*\}/, "v", text)
            gsub(/"([^"\\]|\\.)*"/, "q", text)
            gsub(/\047([^\047\\]|\\.)*\047/, "q", text)
            sub(/(^|[ \t;{}])#.*/, "", text)
            if (depth == 0 && text !~ /[{}]/ && match($0, deciding) && substr($0, 1, RSTART) !~ /(^|[ \t;])#/) at = lines
            depth += gsub(/[{]/, "", text) - gsub(/[}]/, "", text)
        }
        function replaced(text, what, by, at) {
            while ((at = index(text, what)) > 0) text = substr(text, 1, at - 1) by substr(text, at + length(what))
            return text
        }
        function with_target(text, head) {
            match(text, deciding)
            head = substr(text, 1, RSTART + RLENGTH - 1)
            sub(/[^;"\047 \t]+$/, "", head)
            return head target substr(text, RSTART + RLENGTH)
        }
        function our_lines() {
            print replaced(replaced(replaced(ENVIRON["block"], "@variable@", "$" variable), "@1@", target_1), "@2@", target_2)
        }
        END {
            if (!at) print "set $" variable " " target ";"
            if (!at && method == "instant") our_lines()
            for (n = 1; n <= lines; n++) {
                print n == at ? with_target(line[n]) : line[n]
                if (n == at && method == "instant") our_lines()
            }
        }'
}

# prepare_include, as include_for: writes the new text of the include beside it, as $fresh, and keeps a copy of the
# include as $before. $written is the file to replace. Sets `changed`, empty if the text was that already.
prepare_include() {
    # An include that is a link stays one, as long as it leads to nginx's own folder: another one may be a user's.
    written=$include
    if [ -L "$include" ]; then
        leads_to=$(readlink -f "$include")
        case $leads_to in "$(readlink -f "$(dirname "$include")/..")"/*) written=$leads_to ;; esac
    fi
    folder=$(dirname "$written")
    before=$folder/.bluegreen-before
    fresh=$folder/.bluegreen-new
    # Both are new files of root: the owner of the old include must not own the file that root restores.
    rm -f "$before" "$fresh"
    if [ -e "$include" ] && ! cp "$include" "$before"; then
        rm -f "$before"
        fail 20 "cannot keep a copy of $include"
    fi
    if ! { include_for "$@" >"$fresh" && sync "$fresh"; }; then
        rm -f "$fresh" "$before"
        fail 20 "cannot write beside $include (disk full?)"
    fi
    # As its owner made it, others may be kept out of it. One of another user becomes root's own.
    access=
    [ ! -O "$written" ] || access=$(stat -c '%a %g' "$written")
    give_access "$fresh"
    changed=yes
    ! cmp -s "$fresh" "$include" || changed=
}
# give_access FILE: gives the file the group and the mode that the include had.
give_access() {
    case $access in '' | '644 0') return 0 ;; esac
    { chgrp "${access#* }" "$1" && chmod "${access% *}" "$1"; } 2>/dev/null || :
}
# keep_original: keeps the owner's include beside it, before bluegreen changes it for the first time. nginx includes no
# file whose name begins with a dot by a pattern.
keep_original() {
    original=$folder/.$(basename "$written").before-bluegreen
    [ -e "$original" ] || [ ! -e "$before" ] || grep -q '# bluegreen: begin' "$before" || {
        cp "$before" "$original"
        fact original "$original"
    }
}
