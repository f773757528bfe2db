package fuzz;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;

/**
 * {@code java fuzz.Replay TABLES}: reads lines of a target's name and an input in hexadecimal; answers each with a line:
 * {@code refused}, {@code read} and the verdict in hexadecimal, or {@code broke} and what was thrown.
 */
public final class Replay {
    public static void main(String[] arguments) throws IOException, ReflectiveOperationException {
        Targets.useTables(Files.readAllLines(Path.of(arguments[0])));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            int space = line.indexOf(' ');
            Targets.Target target = Targets.BY_NAME.get(line.substring(0, space));
            out.println(answer(target, HexFormat.of().parseHex(line.substring(space + 1))));
        }
        out.flush();
    }

    private static String answer(Targets.Target target, byte[] data) {
        try {
            byte[] verdict = target.run(data);
            return verdict == null ? "refused" : "read " + HexFormat.of().formatHex(verdict);
        } catch (Throwable finding) {
            StringBuilder text = new StringBuilder("broke " + finding);
            for (StackTraceElement frame : finding.getStackTrace()) {
                text.append(" < ").append(frame);
                if (text.length() > 1500) {
                    break;
                }
            }
            return text.toString().replace('\n', ' ').replace('\r', ' ');
        }
    }

    private Replay() {}
}
