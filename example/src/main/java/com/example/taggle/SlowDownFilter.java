package com.example.taggle;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/** {@code ?ms=3000} makes any request take that long: what a deploy must not cut off can be tried by hand. */
@Component
class SlowDownFilter extends OncePerRequestFilter {

    private static final long LONGEST_MS = 60_000;

    @Override
    protected boolean shouldNotFilter(HttpServletRequest request) {
        // Not getParameter: for a form that would read the body, which is the controller's to read.
        return delay(request.getQueryString()) == 0;
    }

    @Override
    protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        try {
            Thread.sleep(delay(request.getQueryString()));
        } catch (InterruptedException exception) {
            Thread.currentThread().interrupt();
        }
        chain.doFilter(request, response);
    }

    private static long delay(String query) {
        if (query == null) {
            return 0;
        }
        for (String parameter : query.split("&")) {
            if (parameter.matches("ms=\\d{1,6}")) {
                return Math.min(LONGEST_MS, Long.parseLong(parameter.substring(3)));
            }
        }
        return 0;
    }
}
