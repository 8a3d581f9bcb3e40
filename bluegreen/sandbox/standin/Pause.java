/** Sleeps that return early, silently, when their thread is interrupted. */
final class Pause {
    static void millis(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    static void forEver() {
        millis(Long.MAX_VALUE);
    }
}
