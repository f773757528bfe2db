package cross;

import java.util.logging.Logger;
import org.slf4j.LoggerFactory;

/** Logs in every way that there is. */
public final class Talker {
    private Talker() {}

    public static void talk(String word) {
        org.slf4j.Logger log = LoggerFactory.getLogger(Talker.class);
        log.info("{} by SLF4J, {} of {}", word, 1, 2);
        log.warn(word + " with an error", new IllegalStateException("the reason of " + word));
        log.debug(word + " below the level");
        Logger.getLogger("cross.util").severe(word + " by java.util.logging");
        System.getLogger("cross.system").log(System.Logger.Level.INFO, word + " by System.Logger");
        System.out.println(word + " on stdout");
    }

    /** The name of what listens to SLF4J here. */
    public static String listener() {
        return LoggerFactory.getILoggerFactory().getClass().getName();
    }
}
