/* Clients and workers that keep a broker busy: so fast that the broker is what is measured.
 *
 *   load clients ENDPOINT CLIENTS IN_FLIGHT BODY SCHEDSTAT
 *   load workers ENDPOINT WORKERS READY
 *
 * Clients send, for each line with a number N on stdin, requests [empty, body of BODY bytes], each
 * client with IN_FLIGHT of them unanswered. When N were answered, after a tenth as many to warm
 * up, a line of JSON says how: requests a second, the median and the 99th percentile of their
 * times, how long all took, and how long the thread whose /proc file SCHEDSTAT is ran meanwhile,
 * or waited for a processor (all in seconds). Workers echo each message; where READY is 1, each
 * says [empty, "READY"] first. Both end when stdin does.
 *
 * load.py is the same in Python. This links with the libzmq in pyzmq's wheel, which comes without
 * zmq.h: what is used of it is declared here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct { void *socket; int fd; short events; short revents; } zmq_pollitem_t;
typedef struct { _Alignas(void *) unsigned char octets[64]; } zmq_msg_t;
enum { ZMQ_POLLIN = 1, ZMQ_DONTWAIT = 1, ZMQ_SNDMORE = 2, ZMQ_DEALER = 5, ZMQ_SNDHWM = 23, ZMQ_RCVHWM = 24 };

void *zmq_ctx_new(void);
void *zmq_socket(void *context, int type);
int zmq_setsockopt(void *socket, int option, const void *value, size_t size);
int zmq_connect(void *socket, const char *endpoint);
int zmq_send(void *socket, const void *data, size_t size, int flags);
int zmq_recv(void *socket, void *data, size_t size, int flags);
int zmq_msg_init(zmq_msg_t *message);
int zmq_msg_recv(zmq_msg_t *message, void *socket, int flags);
int zmq_msg_send(zmq_msg_t *message, void *socket, int flags);
int zmq_msg_more(const zmq_msg_t *message);
int zmq_poll(zmq_pollitem_t *items, int count, long timeout);

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Seconds that a thread has run, and has waited for a processor; 0 where the system does not say. */
static void schedule(const char *path, double *ran, double *waited) {
  *ran = *waited = 0;
  FILE *file = fopen(path, "r");
  if (!file) return;
  if (fscanf(file, "%lf %lf", ran, waited) == 2) { *ran *= 1e-9; *waited *= 1e-9; }
  fclose(file);
}

/* `count` DEALERs, and behind them stdin, to be polled. */
static zmq_pollitem_t *dealers(const char *endpoint, int count) {
  void *context = zmq_ctx_new();
  zmq_pollitem_t *items = calloc(count + 1, sizeof *items);
  for (int i = 0; i < count; i++) {
    int no_limit = 0;
    items[i].socket = zmq_socket(context, ZMQ_DEALER);
    items[i].events = ZMQ_POLLIN;
    zmq_setsockopt(items[i].socket, ZMQ_SNDHWM, &no_limit, sizeof no_limit);
    zmq_setsockopt(items[i].socket, ZMQ_RCVHWM, &no_limit, sizeof no_limit);
    zmq_connect(items[i].socket, endpoint);
  }
  items[count].fd = STDIN_FILENO;
  items[count].events = ZMQ_POLLIN;
  return items;
}

static void ask(void *socket, char *body, size_t size) {
  double sent_at = now();
  memcpy(body, &sent_at, sizeof sent_at);
  zmq_send(socket, "", 0, ZMQ_SNDMORE);
  zmq_send(socket, body, size, 0);
}

/* Have so many requests answered, and print how. */
static void burst(zmq_pollitem_t *items, int clients, int in_flight, size_t size, const char *path, long requests) {
  long warm = requests / 10, done = 0, sent = 0, all = warm + requests + (long)clients * in_flight;
  double *took = malloc(all * sizeof *took), start = 0, end = 0, ran = 0, waited = 0, ran_before = 0, waited_before = 0;
  char *body = calloc(1, size);
  for (int j = 0; j < in_flight; j++)
    for (int i = 0; i < clients; i++, sent++) ask(items[i].socket, body, size);
  while (done < all) {
    zmq_poll(items, clients + 1, -1);
    if (items[clients].revents) exit(0); /* nobody waits for the result */
    for (int i = 0; i < clients; i++) {
      if (!items[i].revents) continue;
      while (zmq_recv(items[i].socket, body, size, ZMQ_DONTWAIT) >= 0) { /* the empty frame */
        double sent_at, received_at;
        zmq_recv(items[i].socket, body, size, 0);
        memcpy(&sent_at, body, sizeof sent_at);
        received_at = now();
        took[done++] = received_at - sent_at;
        if (done == warm + 1) { schedule(path, &ran_before, &waited_before); start = now(); }
        if (done == warm + requests) { end = received_at; schedule(path, &ran, &waited); }
        if (sent < all) { ask(items[i].socket, body, size); sent++; }
      }
    }
  }
  qsort(took + warm, requests, sizeof *took, by_size);
  printf("{\"rate\": %.3f, \"p50\": %.9f, \"p99\": %.9f, \"seconds\": %.9f, \"ran\": %.9f, \"waited\": %.9f}\n",
         (requests - 1) / (end - start), took[warm + requests / 2], took[warm + requests * 99 / 100],
         end - start, ran - ran_before, waited - waited_before);
  fflush(stdout);
  free(took);
  free(body);
}

static void echo(void *socket) {
  zmq_msg_t frame;
  zmq_msg_init(&frame);
  while (zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT) >= 0)
    zmq_msg_send(&frame, socket, zmq_msg_more(&frame) ? ZMQ_SNDMORE : 0);
}

static void work(zmq_pollitem_t *items, int workers, int ready) {
  for (int i = 0; i < workers && ready; i++) {
    zmq_send(items[i].socket, "", 0, ZMQ_SNDMORE);
    zmq_send(items[i].socket, "READY", 5, 0);
  }
  while (!items[workers].revents) {
    zmq_poll(items, workers + 1, -1);
    for (int i = 0; i < workers; i++)
      if (items[i].revents) echo(items[i].socket);
  }
}

int main(int count, char **args) {
  if (count == 5 && !strcmp(args[1], "workers")) {
    work(dealers(args[2], atoi(args[3])), atoi(args[3]), atoi(args[4]));
  } else if (count == 7 && !strcmp(args[1], "clients")) {
    zmq_pollitem_t *items = dealers(args[2], atoi(args[3]));
    char line[32];
    setvbuf(stdin, NULL, _IONBF, 0); /* what is not read yet is to be seen by zmq_poll */
    while (fgets(line, sizeof line, stdin))
      burst(items, atoi(args[3]), atoi(args[4]), atoi(args[5]), args[6], atol(line));
  } else {
    fprintf(stderr, "see the first lines of load.c\n");
    return 2;
  }
  return 0;
}
