/** What the first user makes of the application: the behaviour `once_used`. */
final class Use {
    private static volatile boolean begun;

    private Use() {}

    /** A user gets an answer. */
    static void begins() {
        if (!begun && Behaviour.text("once_used").equals("die")) {
            new Thread(() -> {
                Pause.millis(5);
                Runtime.getRuntime().halt(1);
            }).start();
        }
        begun = true;
    }

    /** Whether a user had an answer, and that makes the application behave so from then on. */
    static boolean makes(String behaviour) {
        return begun && Behaviour.text("once_used").equals(behaviour);
    }
}
