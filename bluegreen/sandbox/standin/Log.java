import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;

/** Log lines in Spring Boot's format, on stdout. */
final class Log {
    static void info(String message) {
        line("INFO", message);
    }

    static void warn(String message) {
        line("WARN", message);
    }

    static void error(String message) {
        line("ERROR", message);
    }

    private static void line(String level, String message) {
        System.out.println(OffsetDateTime.now().truncatedTo(ChronoUnit.MILLIS) + "  " + level + " "
                + ProcessHandle.current().pid() + " --- [" + Thread.currentThread().getName() + "] StandIn : "
                + message);
    }
}
