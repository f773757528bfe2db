package io.bowstring;

import io.bowstring.internal.call.Json;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The timeline of the runtime: as its events, or as a file that Perfetto and chrome://tracing open. */
final class Timeline {
    private static final int TRACE = 13; // StateKind of spec section 8.1

    private Timeline() {}

    private static Iterator<List<Map<String, @Nullable Object>>> pages() {
        return Bowstring.link().statePages(TRACE, List.of(), 0);
    }

    static List<Map<String, @Nullable Object>> events() {
        List<Map<String, @Nullable Object>> events = new ArrayList<>();
        pages().forEachRemaining(events::addAll);
        return events;
    }

    static void write(Path file) throws IOException {
        Iterator<List<Map<String, @Nullable Object>>> pages = pages();
        // Beside its place, so that who reads it never sees a half.
        Path partial = file.resolveSibling(file.getFileName() + ".partial");
        try {
            try (Writer out = Files.newBufferedWriter(partial)) {
                out.append("{\"traceEvents\": [");
                String separator = "\n";
                while (pages.hasNext()) {
                    for (Map<String, @Nullable Object> event : pages.next()) {
                        out.append(separator);
                        Json.write(event, out);
                        separator = ",\n";
                    }
                }
                out.append("\n], \"displayTimeUnit\": \"ms\"}\n");
            }
            Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(partial);
        }
    }
}
