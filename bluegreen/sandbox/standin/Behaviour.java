import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/** The behaviour that was chosen when the jar was built: standin.properties, written by behaviour.py. */
final class Behaviour {
    private static final Properties CHOSEN = load();
    static final String VERSION = CHOSEN.getProperty("version");

    private static volatile long listeningSince;

    private static Properties load() {
        Properties chosen = new Properties();
        try (InputStream file = Behaviour.class.getResourceAsStream("standin.properties")) {
            chosen.load(file);
        } catch (IOException exception) {
            throw new UncheckedIOException(exception);
        }
        return chosen;
    }

    static boolean has(String name) {
        return CHOSEN.containsKey(name);
    }

    static boolean is(String name) {
        return "true".equals(CHOSEN.getProperty(name));
    }

    static String text(String name) {
        return CHOSEN.getProperty(name);
    }

    static int number(String name) {
        return Integer.parseInt(CHOSEN.getProperty(name));
    }

    /** The value in milliseconds of a behaviour that is given in seconds. */
    static long millis(String name) {
        return (long) (Double.parseDouble(CHOSEN.getProperty(name)) * 1000);
    }

    /** Starts the clock of `isPast`. */
    static void listensNow() {
        listeningSince = System.nanoTime();
    }

    /** Whether the application has listened for as long as this behaviour says. */
    static boolean isPast(String name) {
        long listeningFor = (System.nanoTime() - listeningSince) / 1_000_000;
        return has(name) && listeningFor >= millis(name);
    }
}
