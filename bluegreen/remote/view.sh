# What this machine sees of the site: the facts from which a person learns why no slot answers there.
# Takes: verify look_answer_s
# Uses: through_nginx

# print_view SLOT: prints what the last request for the verify path through nginx saw. Facts: `view.named` with SLOT, which
# answered; `view.code`, `view.redirect`, `view.body`; and where no slot answered, `view.agent` with the
# code that a browser gets, and `view.everything` if the site gives the same answer to a path that no application has.
print_view() {
    fact view.named "$1"
    fact view.code "$code"
    fact view.redirect "$redirect"
    fact view.body "$(printf '%s' "$body" | head -c 4096)"
    [ -z "$1" ] && [ "$code" != 000 ] || return 0
    view_code=$code
    view_body=$body
    agent='Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
    fetch_through_nginx "$verify" "$look_answer_s"
    fact view.agent "$code"
    agent=
    fetch_through_nginx "/.bluegreen-no-such-path-$$" "$look_answer_s"
    if [ "$code" = "$view_code" ] && [ "$body" = "$view_body" ]; then fact view.everything yes; fi
}

# own_answer SLOT PORT PATH: asks the slot for a path on its own port. Prints the facts `own.SLOT.code`, `own.SLOT.body`
# and `own.SLOT.named`.
own_answer() {
    fetch_slot "$2" "$3" "$look_answer_s"
    slot_of_answer "$body"
    fact "own.$1.code" "$code"
    fact "own.$1.body" "$(printf '%s' "$body" | head -c 4096)"
    fact "own.$1.named" "$answering"
}
